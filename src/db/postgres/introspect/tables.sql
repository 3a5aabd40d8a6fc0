-- Tables and sequences: columns, defaults and checks are parts of their table, and stand in its CREATE TABLE.
select 'sequence' as kind, 'pg_class'::regclass::oid as class, c.oid as object, null::oid as part_of, 0 as position, c.oid::regclass::text as name,
       concat_ws(' ', 'create', case c.relpersistence when 'u' then 'unlogged' end, 'sequence', c.oid::regclass,
                 case when s.seqtypid <> 'int8'::regtype then 'as ' || s.seqtypid::regtype end, nullif(s.options, '')) as text, null::text as tail
from relation c join sequence s on s.seqrelid = c.oid
where not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
union all
select 'sequence-owner', 'pg_class'::regclass, c.oid, null, 0, c.oid::regclass::text,
       format('alter sequence %s owned by %s.%I', c.oid::regclass, d.refobjid::regclass, a.attname), null
from relation c
join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'a' and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where c.relkind = 'S'
union all
select 'table', 'pg_class'::regclass, c.oid, null, 0, c.oid::regclass::text,
       concat_ws(' ', 'create', case c.relpersistence when 'u' then 'unlogged' end, case c.relkind when 'f' then 'foreign' end, 'table', c.oid::regclass,
                 'of ' || nullif(c.reloftype, 0)::regtype),
       concat_ws(' ',
           (select format('inherits (%s)', string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno))
            from inheritance i where i.inhrelid = c.oid and not i.late having count(*) > 0),
           case when c.relkind = 'p' then 'partition by ' || pg_get_partkeydef(c.oid) end,
           case when m.amname <> 'heap' then 'using ' || quote_ident(m.amname) end,
           (select 'server ' || quote_ident(s.srvname) || coalesce((select format(' options (%s)', string_agg(format('%I %L', o.option_name, o.option_value), ', '))
                                                                    from pg_options_to_table(f.ftoptions) o having count(*) > 0), '')
            from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = c.oid),
           (select format('with (%s)', string_agg(format('%s%s=%L', o.prefix, o.option_name, o.option_value), ', ' order by o.prefix, o.ordinality))
            from (select '' as prefix, * from pg_options_to_table(c.reloptions) with ordinality
                  union all select 'toast.', * from pg_options_to_table(t.reloptions) with ordinality) o having count(*) > 0),
           case when c.relkind <> 'f' then 'tablespace ' || quote_ident(p.spcname) end)
from relation c
left join pg_class t on t.oid = c.reltoastrelid
left join pg_am m on m.oid = c.relam
left join pg_tablespace p on p.oid = c.reltablespace
where c.relkind in ('r', 'p', 'f')
union all
-- Names, types and collations, with what can stand nowhere else: identity, NOT NULL, the options of foreign columns.
-- `text` is empty for a column that comes by inheritance.
select 'column', 'pg_class'::regclass, c.oid, c.oid, a.attnum, a.attname::text,
       case when c.reloftype <> 0 then quote_ident(a.attname) || ' with options'
            when a.attislocal or c.relispartition or i.late then quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) end
       || coalesce((select format(' options (%s)', string_agg(format('%I %L', o.option_name, o.option_value), ', '))
                    from pg_options_to_table(a.attfdwoptions) o having count(*) > 0), '')
       || coalesce((select ' collate ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname)
                    from pg_collation l join pg_namespace n on n.oid = l.collnamespace where l.oid = a.attcollation and a.attcollation <> t.typcollation), '')
       || coalesce(case when a.attidentity <> '' then
              (select format(' generated %s as identity', case a.attidentity when 'a' then 'always' else 'by default' end)
                      || coalesce(' (' || nullif(concat_ws(' ', case when q.relname <> c.relname || '_' || a.attname || '_seq' or q.relnamespace <> c.relnamespace
                                                                     then 'sequence name ' || q.oid::regclass end, nullif(s.options, '')), '') || ')', '')
               from pg_depend d join sequence s on s.seqrelid = d.objid join pg_class q on q.oid = d.objid
               where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype = 'i') end, ''),
       -- From 18 on NOT NULL is a constraint, which says itself whether it is only inherited.
       case when a.attnotnull and (a.attislocal or c.relispartition or i.late
                or exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum] and k.conislocal)
                or not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum])
                   and not exists (select from inheritance h join pg_attribute p on p.attrelid = h.inhparent and p.attname = a.attname and p.attnotnull
                                   where h.inhrelid = c.oid)) then coalesce(
           (select concat_ws(' ', case when k.conname <> c.relname || '_' || a.attname || '_not_null' then 'constraint ' || quote_ident(k.conname) end,
                             'not null', case when k.connoinherit then 'no inherit' end)
            from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum] and k.convalidated),
           case when not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum]) then 'not null' end) end
from relation c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join (select inhrelid, bool_and(late) as late from inheritance group by inhrelid) i on i.inhrelid = c.oid
where c.relkind in ('r', 'p', 'f')
union all
-- Defaults and generated columns. `tail` says the same apart from CREATE TABLE, where that is possible.
select 'default', 'pg_attrdef'::regclass, d.oid, c.oid, a.attnum, a.attname::text,
       case a.attgenerated when 's' then format('generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
                           when 'v' then format('generated always as (%s) virtual', pg_get_expr(d.adbin, d.adrelid))
                           else 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
       case when a.attgenerated = '' then format('alter table only %s alter column %I set default %s', c.oid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid)) end
from relation c
join pg_attrdef d on d.adrelid = c.oid
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
where c.relkind in ('r', 'p', 'f')
  and (a.attislocal or c.relispartition or a.attgenerated = '' and not exists (
          select from inheritance i
          join pg_attribute p on p.attrelid = i.inhparent and p.attname = a.attname
          join pg_attrdef e on e.adrelid = p.attrelid and e.adnum = p.attnum
          where i.inhrelid = c.oid and pg_get_expr(e.adbin, e.adrelid) = pg_get_expr(d.adbin, d.adrelid)))
union all
-- An inherited column that has lost the default which it inherited.
select 'default', 'pg_attribute'::regclass, c.oid, c.oid, a.attnum, a.attname::text,
       '', format('alter table only %s alter column %I drop default', c.oid::regclass, a.attname)
from relation c
join pg_attribute a on a.attrelid = c.oid and not a.attislocal and not a.atthasdef and not a.attisdropped
where c.relkind in ('r', 'f') and not c.relispartition
  and exists (select from inheritance i join pg_attribute p on p.attrelid = i.inhparent and p.attname = a.attname and p.atthasdef where i.inhrelid = c.oid)
union all
select 'check', 'pg_constraint'::regclass, k.oid, c.oid, 0, c.oid::regclass || ' ' || k.conname,
       case when d.def not like '% NOT VALID' then format('constraint %I %s', k.conname, d.def) end,
       format('alter table %s add constraint %I %s', c.oid::regclass, k.conname, d.def)
from relation c join pg_constraint k on k.conrelid = c.oid, pg_get_constraintdef(k.oid) as d (def)
where k.contype = 'c' and (k.conislocal or c.relispartition)
union all
select 'check', 'pg_constraint'::regclass, k.oid, c.oid, 0, c.oid::regclass || ' ' || k.conname, null,
       format('alter table %s add constraint %I %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
from relation c join pg_constraint k on k.conrelid = c.oid
where k.contype = 'n' and not k.convalidated and k.conislocal
union all
select 'attach', 'pg_inherits'::regclass, i.inhrelid, i.inhparent, i.inhseqno, c.oid::regclass::text,
       case when c.relispartition
            then format('alter table only %s attach partition %s %s', i.inhparent::regclass, c.oid::regclass, pg_get_expr(c.relpartbound, c.oid))
            else format('alter table only %s inherit %s', c.oid::regclass, i.inhparent::regclass) end, null
from inheritance i join relation c on c.oid = i.inhrelid
where i.late
union all
select 'column-setting', 'pg_class'::regclass, c.oid, null, a.attnum * 10 + s.number,  c.oid::regclass::text,
       format('alter %s %s alter column %I set %s', case c.relkind when 'f' then 'foreign table' when 'm' then 'materialized view' else 'table only' end,
              c.oid::regclass, a.attname, s.setting), null
from relation c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
cross join lateral (values
    (1, case when a.attstattarget >= 0 then 'statistics ' || a.attstattarget end),
    (2, case when a.attstorage <> t.typstorage
             then 'storage ' || case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end end),
    (3, case when a.attlen = -1
             then 'compression ' || case to_jsonb(a) ->> 'attcompression' when 'p' then 'pglz' when 'l' then 'lz4' end end),
    -- `pg_attver` is the server's own book-keeping (seen from 15.20 on); pg_dump leaves it out, too.
    (4, (select format('(%s)', string_agg(format('%I=%L', o.option_name, o.option_value), ', '))
         from pg_options_to_table(a.attoptions) o where o.option_name <> 'pg_attver' having count(*) > 0))
) s (number, setting)
where c.relkind in ('r', 'p', 'f', 'm') and s.setting is not null
union all
select 'index-setting', 'pg_class'::regclass, c.oid, null, a.attnum, c.oid::regclass::text,
       format('alter index %s alter column %s set statistics %s', c.oid::regclass, a.attnum, a.attstattarget), null
from relation c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0
where c.relkind in ('i', 'I')
union all
select 'table-setting', 'pg_class'::regclass, c.oid, null, s.number, c.oid::regclass::text, format('alter table %s%s %s', s.target, c.oid::regclass, s.setting), null
from relation c
cross join lateral (values
    (1, '', case when c.relrowsecurity then 'enable row level security' end),
    (2, 'only ', case when c.relforcerowsecurity then 'force row level security' end),
    (3, 'only ', case c.relreplident when 'f' then 'replica identity full' when 'n' then 'replica identity nothing'
                 when 'i' then 'replica identity using index ' || (select quote_ident(x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid
                                                                   where i.indrelid = c.oid and i.indisreplident) end),
    (4, '', 'cluster on ' || (select quote_ident(x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid
                                   where i.indrelid = c.oid and i.indisclustered))
) s (number, target, setting)
where c.relkind in ('r', 'p', 'm') and s.setting is not null
