/** The version of the tables and functions below. */
export const schemaVersion = 1;

/**
 * What brings a schema to the newest version, each step from the one before it. Ids are stored as `encodeId()` makes them,
 * and texts of callers as JSON strings, since a text of PostgreSQL holds no NUL. Whoever reads leaves out what has
 * expired, and `sweep()` deletes it.
 */
export const schemaSteps: readonly string[] = [
  `
  create table jobs (
    id text primary key, mark text, holder text, last_command integer not null default 0,
    forget_at timestamptz, expires_at timestamptz not null
  );
  create table commands (
    job text not null references jobs on delete cascade, seq integer not null, command text, outcome text,
    primary key (job, seq)
  );
  create index on commands (job) where outcome is null;
  create table notes (
    job text not null references jobs on delete cascade, name text not null, value text not null,
    primary key (job, name)
  );
  create table lines (
    thread text not null, job text not null, job_text text not null, place bigint not null,
    expires_at timestamptz not null, primary key (thread, job)
  );
  create index on lines (thread, place);
  create sequence owning;
  create table threads (
    id text primary key, id_text text not null, host text, owner text, owner_text text, owned bigint,
    expires_at timestamptz not null
  );
  create index on threads (owner, owned);
  create table hosts (name text primary key, name_text text not null, alive_until timestamptz not null);
  create table streams (
    id text primary key, owner text not null, thread_id text not null, turn_id text, writer text not null,
    ended boolean not null default false, last bigint not null default 0, bytes bigint not null default 0,
    shape integer not null default 0, retain_ms bigint not null, max_bytes bigint not null,
    expires_at timestamptz not null
  );
  create table events (
    stream text not null references streams on delete cascade, seq bigint not null, type text not null,
    data text not null, extras text not null default '', primary key (stream, seq)
  );

  create function in_ms(p_ms bigint) returns timestamptz language sql volatile as $$
    select clock_timestamp() + p_ms * interval '1 millisecond' $$;

  -- Makes or renews a job, and holds it until the end of the call.
  create function touch_job(p_id text, p_keep_ms bigint) returns void language plpgsql as $$ begin
    delete from jobs where id = p_id and expires_at <= clock_timestamp();
    insert into jobs (id, expires_at) values (p_id, in_ms(p_keep_ms))
      on conflict (id) do update set expires_at = coalesce(jobs.forget_at, excluded.expires_at);
  end $$;

  create function mark_job(p_id text, p_mark text, p_holder text, p_keep_ms bigint) returns text
  language plpgsql as $$ begin
    perform touch_job(p_id, p_keep_ms);
    update jobs set mark = p_mark, holder = p_holder where id = p_id and mark is null;
    return (select mark from jobs where id = p_id);
  end $$;

  create function send_command(p_id text, p_command text, p_channel text, p_keep_ms bigint, p_most integer)
  returns integer language plpgsql as $$ declare v_seq integer; begin
    perform touch_job(p_id, p_keep_ms);
    if (select count(*) from commands where job = p_id and outcome is null) >= p_most then return 0; end if;
    update jobs set last_command = last_command + 1 where id = p_id returning last_command into v_seq;
    insert into commands (job, seq, command) values (p_id, v_seq, p_command);
    perform pg_notify(p_channel, '');
    return v_seq;
  end $$;

  create function settle_command(p_id text, p_seq integer, p_outcome text, p_channel text, p_keep integer)
  returns boolean language plpgsql as $$ begin
    update commands set outcome = p_outcome, command = null
      where job = p_id and seq = p_seq and outcome is null
        and exists (select from jobs where id = p_id and expires_at > clock_timestamp());
    if not found then return false; end if;
    delete from commands where job = p_id and seq <= p_seq - p_keep and outcome is not null;
    perform pg_notify(p_channel, '');
    return true;
  end $$;

  create function note_on_job(p_id text, p_name text, p_value text, p_keep_ms bigint) returns void
  language plpgsql as $$ begin
    perform touch_job(p_id, p_keep_ms);
    insert into notes (job, name, value) values (p_id, p_name, p_value)
      on conflict (job, name) do update set value = excluded.value;
  end $$;

  -- Places are given one after the other, so that nobody comes before the first one afterwards.
  create function join_line(p_thread text, p_job text, p_job_text text, p_keep_ms bigint) returns void
  language plpgsql as $$ begin
    perform pg_advisory_xact_lock(hashtextextended(current_schema() || ' line ' || p_thread, 0));
    delete from lines where thread = p_thread and expires_at <= clock_timestamp();
    update lines set expires_at = in_ms(p_keep_ms) where thread = p_thread;
    insert into lines (thread, job, job_text, place, expires_at)
      select p_thread, p_job, p_job_text, coalesce(max(place), 0) + 1, in_ms(p_keep_ms)
      from lines where thread = p_thread
      on conflict (thread, job) do nothing;
  end $$;

  create function first_in_line(p_thread text) returns text language sql volatile as $$
    select job_text from lines where thread = p_thread and expires_at > clock_timestamp()
    order by place limit 1 $$;

  create function leave_line(p_thread text, p_job text) returns text language plpgsql as $$ begin
    perform pg_advisory_xact_lock(hashtextextended(current_schema() || ' line ' || p_thread, 0));
    delete from lines where thread = p_thread and job = p_job;
    return first_in_line(p_thread);
  end $$;

  create function touch_thread(p_id text, p_id_text text, p_keep_ms bigint) returns void
  language plpgsql as $$ begin
    delete from threads where id = p_id and expires_at <= clock_timestamp();
    insert into threads (id, id_text, expires_at) values (p_id, p_id_text, in_ms(p_keep_ms))
      on conflict (id) do update set expires_at = excluded.expires_at;
  end $$;

  create function settle_thread(p_id text, p_id_text text, p_host text, p_keep_ms bigint) returns text
  language plpgsql as $$ begin
    perform touch_thread(p_id, p_id_text, p_keep_ms);
    update threads set host = p_host where id = p_id and host is null;
    return (select host from threads where id = p_id);
  end $$;

  create function own_thread(p_id text, p_id_text text, p_owner text, p_owner_text text, p_keep_ms bigint)
  returns text language plpgsql as $$ begin
    perform touch_thread(p_id, p_id_text, p_keep_ms);
    update threads set owner = p_owner, owner_text = p_owner_text, owned = nextval('owning')
      where id = p_id and owner is null;
    return (select owner_text from threads where id = p_id);
  end $$;

  create function host_is_alive(p_name text, p_name_text text, p_for_ms bigint) returns void
  language plpgsql as $$ begin
    insert into hosts values (p_name, p_name_text, in_ms(p_for_ms))
      on conflict (name) do update set alive_until = greatest(hosts.alive_until, excluded.alive_until);
  end $$;

  create function create_stream(
    p_id text, p_writer text, p_owner text, p_thread_id text, p_retain_ms bigint, p_max_bytes bigint,
    p_silent_ms bigint
  ) returns integer language plpgsql as $$ begin
    delete from streams where id = p_id and expires_at <= clock_timestamp();
    insert into streams (id, writer, owner, thread_id, retain_ms, max_bytes, expires_at)
      values (p_id, p_writer, p_owner, p_thread_id, p_retain_ms, p_max_bytes, in_ms(p_silent_ms))
      on conflict (id) do update set writer = excluded.writer,
        expires_at = case when streams.ended then streams.expires_at else excluded.expires_at end;
    return 0;
  end $$;

  -- What writes gives -1 when there is no such stream, and -2 when another writer has taken it.
  create function may_write(p_id text, p_writer text) returns integer language plpgsql as $$
  declare v_writer text; begin
    select writer into v_writer from streams
      where id = p_id and expires_at > clock_timestamp() for update;
    return case when not found then -1 when v_writer <> p_writer then -2 else 0 end;
  end $$;

  create function name_turn(p_id text, p_writer text, p_turn_id text) returns integer
  language plpgsql as $$ declare v_status integer := may_write(p_id, p_writer); begin
    if v_status = 0 then update streams set turn_id = p_turn_id where id = p_id; end if;
    return v_status;
  end $$;

  create function append_events(
    p_id text, p_writer text, p_channel text, p_silent_ms bigint, p_seqs bigint[], p_types text[], p_datas text[]
  ) returns integer language plpgsql as $$
  declare
    v_status integer := may_write(p_id, p_writer);
    v_stream streams;
    v_bytes bigint;
  begin
    if v_status <> 0 then return v_status; end if;
    select * into v_stream from streams where id = p_id;
    if v_stream.ended then return 0; end if;
    with added as (
      insert into events (stream, seq, type, data)
      select p_id, given.seq, given.type, given.data
      from unnest(p_seqs, p_types, p_datas) as given (seq, type, data)
      where given.seq > v_stream.last
      on conflict do nothing
      returning seq, octet_length(data) as size
    )
    update streams set
      last = greatest(last, (select coalesce(max(seq), 0) from added)),
      bytes = bytes + (select coalesce(sum(size + 64), 0) from added),
      expires_at = in_ms(p_silent_ms)
    where id = p_id returning bytes into v_bytes;
    perform pg_notify(p_channel, '');
    return case when v_bytes > v_stream.max_bytes then 1 else 0 end;
  end $$;

  create function end_stream(p_id text, p_writer text, p_channel text) returns integer
  language plpgsql as $$ declare v_status integer := may_write(p_id, p_writer); begin
    if v_status <> 0 then return v_status; end if;
    update streams set ended = true, expires_at = in_ms(retain_ms) where id = p_id and not ended;
    perform pg_notify(p_channel, '');
    return 0;
  end $$;

  -- Puts entries in the place of all, unless others have come since they were read.
  create function replace_events(
    p_id text, p_shape integer, p_last bigint, p_bytes bigint,
    p_seqs bigint[], p_types text[], p_datas text[], p_extras text[]
  ) returns boolean language plpgsql as $$ begin
    update streams set shape = shape + 1, bytes = p_bytes
      where id = p_id and shape = p_shape and last = p_last;
    if not found then return false; end if;
    delete from events where stream = p_id;
    insert into events (stream, seq, type, data, extras)
      select p_id, * from unnest(p_seqs, p_types, p_datas, p_extras);
    return true;
  end $$;

  -- Deletes some of what has expired.
  create function sweep(p_most integer) returns void language plpgsql as $$ begin
    delete from jobs where id in (
      select id from jobs where expires_at <= clock_timestamp() limit p_most for update skip locked);
    delete from streams where id in (
      select id from streams where expires_at <= clock_timestamp() limit p_most for update skip locked);
    delete from threads where id in (
      select id from threads where expires_at <= clock_timestamp() limit p_most for update skip locked);
    delete from lines where (thread, job) in (
      select thread, job from lines where expires_at <= clock_timestamp() limit p_most for update skip locked);
    delete from hosts where name in (
      select name from hosts where alive_until <= clock_timestamp() limit p_most for update skip locked);
  end $$;
  `,
];
