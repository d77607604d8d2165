/**
 * A program for perl. It takes SQLite's locks of a database (512 bytes at 1 GiB) for writing, as a process that writes to it does.
 * Two bytes of the header say how it keeps its journal: one that is written ahead has other locks.
 */
export const lockDatabase = `
  use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
  open(my $database, "+<", $ARGV[0]) or die $!;
  sysseek($database, 18, SEEK_SET);
  syswrite($database, "\\x01\\x01");
  my $lock = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0x40000000, 512, 0);
  fcntl($database, F_SETLK, $lock) or die $!;
  syswrite(STDOUT, "locked");
  <STDIN>;
`;
