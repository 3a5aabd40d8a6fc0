-- Enums, composite types, domains, range types, base types and collations.
, type as materialized (
    select t.* from pg_type t
    where t.typnamespace in (select oid from ours)
      and not exists (select from member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)
)
select 'type' as kind, 'pg_type'::regclass::oid as class, t.oid as object, null::oid as part_of, 0 as position, t.oid::regtype::text as name,
       format('create type %s as enum (%s)', t.oid::regtype,
              (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)) as text,
       null::text as tail
from type t
where t.typtype = 'e'
union all
select 'type', 'pg_type'::regclass, t.oid, null, 0, t.oid::regtype::text,
       format('create type %s as (%s)', t.oid::regtype,
              (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                                 || coalesce(' collate ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname), ''), ', ' order by a.attnum)
               from pg_attribute a
               join pg_type u on u.oid = a.atttypid
               left join pg_collation l on l.oid = a.attcollation and a.attcollation <> u.typcollation
               left join pg_namespace n on n.oid = l.collnamespace
               where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)), null
from type t join pg_class c on c.oid = t.typrelid
where t.typtype = 'c' and c.relkind = 'c'
union all
select 'type', 'pg_type'::regclass, t.oid, null, 0, t.oid::regtype::text,
       format('create domain %s as %s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod))
       || coalesce(' collate ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname), '')
       || coalesce(' default ' || coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), quote_literal(t.typdefault)), '')
       || case when t.typnotnull then coalesce(
              (select ' constraint ' || quote_ident(k.conname) from pg_constraint k
               where k.contypid = t.oid and k.contype = 'n' and k.conname <> t.typname || '_not_null'), '') || ' not null' else '' end, null
from type t
join pg_type b on b.oid = t.typbasetype
left join pg_collation l on l.oid = t.typcollation and t.typcollation <> b.typcollation
left join pg_namespace n on n.oid = l.collnamespace
where t.typtype = 'd'
union all
select 'domain-check', 'pg_constraint'::regclass, k.oid, case when k.convalidated then t.oid end, 0, t.oid::regtype || ' ' || k.conname,
       case when k.convalidated then format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
            else format('alter domain %s add constraint %I %s', t.oid::regtype, k.conname, pg_get_constraintdef(k.oid)) end, null
from type t join pg_constraint k on k.contypid = t.oid
where k.contype = 'c'
union all
select 'type', 'pg_type'::regclass, t.oid, null, 0, t.oid::regtype::text,
       format('create type %s as range (%s)', t.oid::regtype, concat_ws(', ',
              'subtype = ' || format_type(r.rngsubtype, null),
              case when not o.opcdefault then format('subtype_opclass = %I.%I', s.nspname, o.opcname) end,
              'collation = ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname),
              'canonical = ' || nullif(r.rngcanonical, 0)::regproc,
              'subtype_diff = ' || nullif(r.rngsubdiff, 0)::regproc,
              (select 'multirange_type_name = ' || u.oid::regtype from pg_type u where u.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid))),
       case when r.rngcanonical <> 0 then format('create type %s', t.oid::regtype) end
from type t
join pg_range r on r.rngtypid = t.oid
join pg_type b on b.oid = r.rngsubtype
join pg_opclass o on o.oid = r.rngsubopc
join pg_namespace s on s.oid = o.opcnamespace
left join pg_collation l on l.oid = r.rngcollation and r.rngcollation <> b.typcollation
left join pg_namespace n on n.oid = l.collnamespace
where t.typtype = 'r'
union all
select 'type', 'pg_type'::regclass, t.oid, null, 0, t.oid::regtype::text,
       format('create type %s (%s)', t.oid::regtype, concat_ws(', ',
              'input = ' || t.typinput, 'output = ' || t.typoutput,
              'receive = ' || nullif(t.typreceive::oid, 0)::regproc, 'send = ' || nullif(t.typsend::oid, 0)::regproc,
              'typmod_in = ' || nullif(t.typmodin::oid, 0)::regproc, 'typmod_out = ' || nullif(t.typmodout::oid, 0)::regproc,
              'analyze = ' || nullif(t.typanalyze::oid, 0)::regproc,
              'internallength = ' || case when t.typlen = -1 then 'variable' else t.typlen::text end,
              case when t.typbyval then 'passedbyvalue' end,
              'alignment = ' || case t.typalign when 'c' then 'char' when 's' then 'int2' when 'i' then 'int4' else 'double' end,
              'storage = ' || case t.typstorage when 'p' then 'plain' when 'e' then 'external' when 'x' then 'extended' else 'main' end,
              case when t.typcategory <> 'U' then format('category = %L', t.typcategory) end,
              case when t.typispreferred then 'preferred = true' end,
              'default = ' || quote_literal(coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), t.typdefault)),
              'element = ' || format_type(nullif(t.typelem, 0), null),
              case when t.typdelim <> ',' then format('delimiter = %L', t.typdelim) end,
              case when t.typcollation <> 0 then 'collatable = true' end)),
       format('create type %s', t.oid::regtype)
from type t
where t.typtype = 'b' and t.typisdefined and not exists (select from pg_type e where e.typarray = t.oid)
union all
select 'type', 'pg_type'::regclass, t.oid, null, 0, t.oid::regtype::text, format('create type %s', t.oid::regtype), null
from type t
where t.typtype = 'p' and not t.typisdefined
union all
select 'collation', 'pg_collation'::regclass, l.oid, null, 0, format('%I.%I', n.nspname, l.collname),
       format('create collation %I.%I (%s)', n.nspname, l.collname, concat_ws(', ',
              case l.collprovider when 'i' then 'provider = icu' when 'c' then 'provider = libc' when 'b' then 'provider = builtin' end,
              case when not l.collisdeterministic then 'deterministic = false' end,
              case when l.collprovider <> 'c'
                   then format('locale = %L', coalesce(j ->> 'colllocale', j ->> 'colliculocale', j ->> 'collcollate'))
                   when j ->> 'collcollate' = j ->> 'collctype' then format('locale = %L', j ->> 'collcollate')
                   else format('lc_collate = %L, lc_ctype = %L', j ->> 'collcollate', j ->> 'collctype') end,
              'rules = ' || quote_literal(j ->> 'collicurules'))), null
from pg_collation l join ours n on n.oid = l.collnamespace, to_jsonb(l) j
where not exists (select from member m where m.classid = 'pg_collation'::regclass and m.objid = l.oid)
