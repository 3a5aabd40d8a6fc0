-- What is ours to read: every query of this folder begins with this text.
-- Catalogs, TOAST and temporary objects live in schemas whose names begin with pg_; the ledger lives in concertina.
with ours as materialized (
    select oid, nspname from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'concertina')
), member as materialized (
    -- Of an extension; and the functions and casts that come with a range type.
    select classid, objid from pg_depend
    where deptype = 'e' or deptype = 'i' and classid in ('pg_proc'::regclass, 'pg_cast'::regclass)
), relation as materialized (
    select c.* from pg_class c
    where c.relnamespace in (select oid from ours)
      and not exists (select from member m where m.classid = 'pg_class'::regclass and m.objid = c.oid)
), inheritance as materialized (
    -- `late`: the child is made by itself and joined to its parent afterwards. That keeps the order of its columns, and is
    -- possible for partitions, and where the child declares all that it inherits.
    select i.inhrelid, i.inhparent, i.inhseqno, c.relispartition or not (
            exists (select from pg_attribute a
                    where a.attrelid = i.inhrelid and a.attnum > 0 and not a.attisdropped and a.attinhcount > 0 and not a.attislocal)
            or exists (select from pg_constraint k
                       where k.conrelid = i.inhrelid and k.contype in ('c', 'n') and k.coninhcount > 0 and not k.conislocal)
        ) as late
    from pg_inherits i join relation c on c.oid = i.inhrelid
    where c.relkind in ('r', 'f', 'p')
), sequence as materialized (
    -- The options of each sequence, where they differ from what CREATE SEQUENCE takes by itself.
    select s.seqrelid, s.seqtypid, concat_ws(' ',
        case when s.seqincrement <> 1 then 'increment by ' || s.seqincrement end,
        case when s.seqmin <> case when s.seqincrement > 0 then 1 else b.least end then 'minvalue ' || s.seqmin end,
        case when s.seqmax <> case when s.seqincrement > 0 then b.greatest else -1 end then 'maxvalue ' || s.seqmax end,
        case when s.seqstart <> case when s.seqincrement > 0 then s.seqmin else s.seqmax end then 'start with ' || s.seqstart end,
        case when s.seqcache <> 1 then 'cache ' || s.seqcache end,
        case when s.seqcycle then 'cycle' end) as options
    from pg_sequence s
    join (values ('int2'::regtype, -32768::int8, 32767::int8), ('int4', -2147483648, 2147483647),
                 ('int8', -9223372036854775808, 9223372036854775807)) as b (type, least, greatest) on b.type = s.seqtypid
)
