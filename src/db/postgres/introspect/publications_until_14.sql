-- Publications up to PostgreSQL 14: whole tables.
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
    select 'table ' || string_agg('only ' || r.prrelid::regclass, ', ' order by r.prrelid::regclass::text) as tables
    from pg_publication_rel r where r.prpubid = p.oid and r.prrelid in (select oid from relation)) t
cross join lateral (select null::text as schemas) s
where not exists (select from member m where m.classid = 'pg_publication'::regclass and m.objid = p.oid)
