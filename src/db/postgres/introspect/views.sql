-- Views, and what hangs on tables and views: triggers, rules, policies, statistics, event triggers.
select case c.relkind when 'v' then 'view' else 'materialized-view' end as kind, 'pg_class'::regclass::oid as class, c.oid as object,
       null::oid as part_of, 0 as position, c.oid::regclass::text as name,
       concat_ws(' ', 'create', case c.relkind when 'm' then 'materialized' end, 'view', c.oid::regclass,
                 case when m.amname <> 'heap' then 'using ' || quote_ident(m.amname) end,
                 (select format('with (%s)', string_agg(format('%s=%L', o.option_name, o.option_value), ', ' order by o.ordinality))
                  from pg_options_to_table(c.reloptions) with ordinality o where o.option_name <> 'check_option' having count(*) > 0),
                 'tablespace ' || quote_ident(p.spcname),
                 'as', rtrim(pg_get_viewdef(c.oid), ';'),
                 (select format('with %s check option', o.option_value) from pg_options_to_table(c.reloptions) o where o.option_name = 'check_option'),
                 case when not c.relispopulated then 'with no data' end) as text, null::text as tail
from relation c
left join pg_am m on m.oid = c.relam
left join pg_tablespace p on p.oid = c.reltablespace
where c.relkind in ('v', 'm')
union all
select 'view-default', 'pg_class'::regclass, c.oid, null, a.attnum, c.oid::regclass::text,
       format('alter view %s alter column %I set default %s', c.oid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid)), null
from relation c
join pg_attrdef d on d.adrelid = c.oid
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
where c.relkind = 'v'
union all
select 'trigger', 'pg_trigger'::regclass, t.oid, c.oid, 0, c.oid::regclass || ' ' || t.tgname, pg_get_triggerdef(t.oid), null
from relation c join pg_trigger t on t.tgrelid = c.oid
where not t.tgisinternal
  -- A partition's copy of its parent's trigger comes with the partition; since 13 it says so itself, before it depends on it.
  and coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0
  and not exists (select from pg_depend d where d.classid = 'pg_trigger'::regclass and d.objid = t.oid
                  and d.refclassid = 'pg_trigger'::regclass and d.deptype in ('P', 'S'))
union all
-- A partitioned table hands it down to its partitions, so that those come after it.
select 'trigger-state', 'pg_trigger'::regclass, t.oid, c.oid, 0,
       lpad((select count(*) from pg_partition_ancestors(c.oid))::text, 3, '0') || c.oid::regclass || ' ' || t.tgname,
       format('alter table %s %s trigger %I', c.oid::regclass,
              case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' when 'A' then 'enable always' else 'enable' end, t.tgname), null
from relation c
join pg_trigger t on t.tgrelid = c.oid
left join pg_trigger p on p.oid = coalesce((to_jsonb(t) ->> 'tgparentid')::oid, (
    select d.refobjid from pg_depend d where d.classid = 'pg_trigger'::regclass and d.objid = t.oid
    and d.refclassid = 'pg_trigger'::regclass and d.deptype = 'P'))
-- Up to 14 a partition's copy counts as internal.
where (not t.tgisinternal or p.oid is not null and t.tgconstraint = 0) and t.tgenabled <> coalesce(p.tgenabled, 'O')
union all
select 'rule', 'pg_rewrite'::regclass, r.oid, c.oid, 0, c.oid::regclass || ' ' || r.rulename, rtrim(pg_get_ruledef(r.oid), ';'), null
from relation c join pg_rewrite r on r.ev_class = c.oid
where r.rulename <> '_RETURN'
union all
select 'rule-state', 'pg_rewrite'::regclass, r.oid, c.oid, 0, c.oid::regclass || ' ' || r.rulename,
       format('alter table %s %s rule %I', c.oid::regclass, case r.ev_enabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, r.rulename), null
from relation c join pg_rewrite r on r.ev_class = c.oid
where r.rulename <> '_RETURN' and r.ev_enabled <> 'O'
union all
select 'policy', 'pg_policy'::regclass, y.oid, c.oid, 0, c.oid::regclass || ' ' || y.polname,
       concat_ws(' ', format('create policy %I on %s', y.polname, c.oid::regclass),
                 case when not y.polpermissive then 'as restrictive' end,
                 case y.polcmd when 'r' then 'for select' when 'a' then 'for insert' when 'w' then 'for update' when 'd' then 'for delete' end,
                 'to ' || (select string_agg(quote_ident(r.rolname), ', ' order by r.rolname) from pg_roles r where r.oid = any (y.polroles)),
                 'using (' || pg_get_expr(y.polqual, y.polrelid) || ')',
                 'with check (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')'), null
from relation c join pg_policy y on y.polrelid = c.oid
union all
select 'statistics', 'pg_statistic_ext'::regclass, s.oid, c.oid, 0, format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid), null
from relation c join pg_statistic_ext s on s.stxrelid = c.oid join pg_namespace n on n.oid = s.stxnamespace
union all
select 'statistics-target', 'pg_statistic_ext'::regclass, s.oid, c.oid, 0, format('%I.%I', n.nspname, s.stxname),
       format('alter statistics %I.%I set statistics %s', n.nspname, s.stxname, to_jsonb(s) ->> 'stxstattarget'), null
from relation c join pg_statistic_ext s on s.stxrelid = c.oid join pg_namespace n on n.oid = s.stxnamespace
where (to_jsonb(s) ->> 'stxstattarget')::int >= 0
union all
select 'event-trigger', 'pg_event_trigger'::regclass, e.oid, null, 0, e.evtname::text,
       format('create event trigger %I on %s', e.evtname, e.evtevent)
       || coalesce(' when tag in (' || (select string_agg(quote_literal(g), ', ') from unnest(e.evttags) g) || ')', '')
       || format(' execute function %s()', e.evtfoid::regproc), null
from pg_event_trigger e
where not exists (select from member m where m.classid = 'pg_event_trigger'::regclass and m.objid = e.oid)
  and exists (select from pg_proc f where f.oid = e.evtfoid and f.pronamespace in (select oid from ours))
union all
select 'event-trigger-state', 'pg_event_trigger'::regclass, e.oid, null, 0, e.evtname::text,
       format('alter event trigger %I %s', e.evtname, case e.evtenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end), null
from pg_event_trigger e
where e.evtenabled <> 'O'
