-- Publications of PostgreSQL 15 on, which know column lists, row filters and schemas.
select 'publication' as kind, 'pg_publication'::regclass::oid as class, p.oid as object, null::oid as part_of, 0 as position, p.pubname::text as name,
       format('create publication %I', p.pubname)
       || case when p.puballtables then ' for all tables' else coalesce(' for ' || nullif(concat_ws(', ', t.tables, s.schemas), ''), '') end
       || format(' with (publish = %L', concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                                               case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end))
       || case when (j ->> 'pubviaroot')::bool then ', publish_via_partition_root = true' else '' end
       || case j ->> 'pubgencols' when 's' then ', publish_generated_columns = stored' else '' end || ')' as text, null::text as tail
from pg_publication p
cross join lateral to_jsonb(p) j
cross join lateral (
    select 'table ' || string_agg('only ' || r.prrelid::regclass
           || coalesce((select format(' (%s)', string_agg(quote_ident(a.attname), ', ' order by a.attnum)) from pg_attribute a
                        where a.attrelid = r.prrelid and a.attnum = any (r.prattrs) having count(*) > 0), '')
           || coalesce(' where (' || pg_get_expr(r.prqual, r.prrelid) || ')', ''), ', ' order by r.prrelid::regclass::text) as tables
    from pg_publication_rel r where r.prpubid = p.oid and r.prrelid in (select oid from relation)) t
cross join lateral (
    select 'tables in schema ' || string_agg(quote_ident(n.nspname), ', ' order by n.nspname) as schemas
    from pg_publication_namespace x join ours n on n.oid = x.pnnspid where x.pnpubid = p.oid) s
where not exists (select from member m where m.classid = 'pg_publication'::regclass and m.objid = p.oid)
