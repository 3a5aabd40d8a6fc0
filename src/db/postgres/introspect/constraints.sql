-- Keys, exclusion constraints, foreign keys and indexes.
select 'key' as kind, 'pg_constraint'::regclass::oid as class, k.oid as object, c.oid as part_of, 0 as position, c.oid::regclass || ' ' || k.conname as name,
       format('alter table only %s add constraint %I %s', c.oid::regclass, k.conname,
              -- The engine leaves out what is the index's business; of EXCLUDE it gives the options all the same.
              case when k.contype = 'x' then pg_get_constraintdef(k.oid)
                   else regexp_replace(pg_get_constraintdef(k.oid), '( DEFERRABLE( INITIALLY DEFERRED)?)?$',
                            coalesce((select format(' with (%s)', string_agg(format('%s=%L', o.option_name, o.option_value), ', ' order by o.ordinality))
                                      from pg_options_to_table(x.reloptions) with ordinality o having count(*) > 0), '')
                            || coalesce(' using index tablespace ' || quote_ident(p.spcname), '') || '\1') end) as text,
       null::text as tail
from relation c
join pg_constraint k on k.conrelid = c.oid
join pg_class x on x.oid = k.conindid
left join pg_tablespace p on p.oid = x.reltablespace
where k.contype in ('p', 'u', 'x')
union all
select 'foreign-key', 'pg_constraint'::regclass, k.oid, c.oid, 0, c.oid::regclass || ' ' || k.conname,
       format('alter table %s%s add constraint %I %s', case when c.relkind <> 'p' then 'only ' end, c.oid::regclass, k.conname, pg_get_constraintdef(k.oid)), null
from relation c join pg_constraint k on k.conrelid = c.oid
where k.contype = 'f' and k.conparentid = 0
union all
-- An invalid index is what a failed CREATE INDEX CONCURRENTLY left behind; on a partitioned table it is one that lacks partitions.
select 'index', 'pg_class'::regclass, x.oid, c.oid, 0, x.oid::regclass::text, pg_get_indexdef(x.oid), null
from relation c
join pg_index i on i.indrelid = c.oid
join pg_class x on x.oid = i.indexrelid
where (i.indisvalid or c.relkind = 'p')
  and not exists (select from pg_constraint k where k.conindid = x.oid and k.conrelid = c.oid and k.contype in ('p', 'u', 'x'))
union all
select 'index-tablespace', 'pg_class'::regclass, x.oid, null, 0, x.oid::regclass::text, format('alter index %s set tablespace %I', x.oid::regclass, p.spcname), null
from relation x
join pg_tablespace p on p.oid = x.reltablespace
where x.relkind in ('i', 'I') and not exists (select from pg_constraint k where k.conindid = x.oid and k.contype in ('p', 'u'))
union all
select 'index-attachment', 'pg_class'::regclass, x.oid, null, 0, x.oid::regclass::text,
       format('alter index %s attach partition %s', i.inhparent::regclass, x.oid::regclass), null
from relation x join pg_inherits i on i.inhrelid = x.oid
where x.relkind in ('i', 'I')
