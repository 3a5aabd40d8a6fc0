-- Schemas, extensions, languages, and what foreign tables and other definitions stand on.
select 'schema' as kind, 'pg_namespace'::regclass::oid as class, n.oid as object, null::oid as part_of, 0 as position,
       n.nspname::text as name, format('create schema %I', n.nspname) as text, null::text as tail
from ours n
where n.nspname <> 'public'
  and not exists (select from member m where m.classid = 'pg_namespace'::regclass and m.objid = n.oid)
union all
select 'schema', 'pg_namespace'::regclass, 0, null, 0, 'public', 'drop schema public', null
where not exists (select from ours where nspname = 'public')
union all
select 'public-schema', 'pg_namespace'::regclass, n.oid, null, 0, 'public', format('comment on schema public is %L', d.description), null
from ours n left join pg_description d on d.classoid = 'pg_namespace'::regclass and d.objoid = n.oid and d.objsubid = 0
where n.nspname = 'public' and d.description is distinct from 'standard public schema'
union all
-- Up to 14 the bootstrap superuser owns the schema public, from 15 on pg_database_owner does.
select 'public-schema', 'pg_namespace'::regclass, n.oid, null, 0, 'public', format('alter schema public owner to %I', pg_get_userbyid(p.nspowner)), null
from ours n join pg_namespace p on p.oid = n.oid
where n.nspname = 'public' and p.nspowner not in (10, 6171) and pg_get_userbyid(p.nspowner) <> current_user
union all
select 'extension', 'pg_extension'::regclass, e.oid, null, 0, e.extname::text,
       format('create extension %I with schema %I', e.extname, n.nspname), null
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname <> 'plpgsql'
union all
select 'language', 'pg_language'::regclass, l.oid, null, 0, l.lanname::text,
       format('create %slanguage %I', case when l.lanpltrusted then 'trusted ' end, l.lanname)
       || coalesce(' handler ' || nullif(l.lanplcallfoid, 0)::regproc, '')
       || coalesce(' inline ' || nullif(l.laninline, 0)::regproc, '')
       || coalesce(' validator ' || nullif(l.lanvalidator, 0)::regproc, ''), null
from pg_language l
where l.lanispl and not exists (select from member m where m.classid = 'pg_language'::regclass and m.objid = l.oid)
union all
select 'access-method', 'pg_am'::regclass, a.oid, null, 0, a.amname::text,
       format('create access method %I type %s handler %s', a.amname, case a.amtype when 't' then 'table' else 'index' end, a.amhandler), null
from pg_am a
where a.oid >= 16384 and not exists (select from member m where m.classid = 'pg_am'::regclass and m.objid = a.oid)
union all
select 'foreign-data-wrapper', 'pg_foreign_data_wrapper'::regclass, w.oid, null, 0, w.fdwname::text,
       format('create foreign data wrapper %I', w.fdwname)
       || coalesce(' handler ' || nullif(w.fdwhandler, 0)::regproc, '')
       || coalesce(' validator ' || nullif(w.fdwvalidator, 0)::regproc, '')
       || coalesce((select format(' options (%s)', string_agg(format('%I %L', o.option_name, o.option_value), ', '))
                    from pg_options_to_table(w.fdwoptions) o having count(*) > 0), ''), null
from pg_foreign_data_wrapper w
where not exists (select from member m where m.classid = 'pg_foreign_data_wrapper'::regclass and m.objid = w.oid)
union all
select 'server', 'pg_foreign_server'::regclass, s.oid, null, 0, s.srvname::text,
       format('create server %I', s.srvname) || coalesce(' type ' || quote_literal(s.srvtype), '') || coalesce(' version ' || quote_literal(s.srvversion), '')
       || format(' foreign data wrapper %I', w.fdwname)
       || coalesce((select format(' options (%s)', string_agg(format('%I %L', o.option_name, o.option_value), ', '))
                    from pg_options_to_table(s.srvoptions) o having count(*) > 0), ''), null
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where not exists (select from member m where m.classid = 'pg_foreign_server'::regclass and m.objid = s.oid)
