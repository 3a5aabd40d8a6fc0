-- Functions and procedures, aggregates, operators with their classes and families, casts, conversions, transforms, text search.
, routine as materialized (
    select p.* from pg_proc p
    where p.pronamespace in (select oid from ours)
      and not exists (select from member m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
), family_item as materialized (
    -- Operators and functions of an operator class (those which it owns), or loose in its family.
    select coalesce(d.refobjid, o.amopfamily) as holder, d.refobjid is not null as in_class, 0 as kind, o.amopstrategy as number,
           format('operator %s %s', o.amopstrategy, o.amopopr::regoperator)
           || case when o.amoppurpose = 'o' then ' for order by ' || quote_ident(n.nspname) || '.' || quote_ident(s.opfname) else '' end as text
    from pg_amop o
    left join pg_opfamily s on s.oid = o.amopsortfamily
    left join pg_namespace n on n.oid = s.opfnamespace
    left join pg_depend d on d.classid = 'pg_amop'::regclass and d.objid = o.oid and d.refclassid = 'pg_opclass'::regclass and d.deptype = 'i'
    where o.oid >= 16384
    union all
    select coalesce(d.refobjid, a.amprocfamily), d.refobjid is not null, 1, a.amprocnum,
           format('function %s (%s, %s) %s', a.amprocnum, format_type(a.amproclefttype, null), format_type(a.amprocrighttype, null), a.amproc::regprocedure)
    from pg_amproc a
    left join pg_depend d on d.classid = 'pg_amproc'::regclass and d.objid = a.oid and d.refclassid = 'pg_opclass'::regclass and d.deptype = 'i'
    where a.oid >= 16384
)
select 'routine' as kind, 'pg_proc'::regclass::oid as class, p.oid as object, null::oid as part_of, 0 as position,
       p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as text, null::text as tail
from routine p
where p.prokind in ('f', 'p', 'w')
union all
select 'aggregate', 'pg_proc'::regclass, p.oid, null, 0, p.oid::regprocedure::text,
       format('create aggregate %I.%I(%s) (%s)', n.nspname, p.proname, coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'), concat_ws(', ',
              'sfunc = ' || a.aggtransfn, 'stype = ' || format_type(a.aggtranstype, null),
              case when a.aggtransspace <> 0 then 'sspace = ' || a.aggtransspace end,
              'finalfunc = ' || nullif(a.aggfinalfn::oid, 0)::regproc,
              case when a.aggfinalextra then 'finalfunc_extra' end,
              case when a.aggfinalfn <> 0 and a.aggfinalmodify <> case a.aggkind when 'n' then 'r' else 'w' end::"char"
                   then 'finalfunc_modify = ' || case a.aggfinalmodify when 'r' then 'read_only' when 's' then 'shareable' else 'read_write' end end,
              'combinefunc = ' || nullif(a.aggcombinefn::oid, 0)::regproc,
              'serialfunc = ' || nullif(a.aggserialfn::oid, 0)::regproc,
              'deserialfunc = ' || nullif(a.aggdeserialfn::oid, 0)::regproc,
              'initcond = ' || quote_literal(a.agginitval),
              'msfunc = ' || nullif(a.aggmtransfn::oid, 0)::regproc,
              'minvfunc = ' || nullif(a.aggminvtransfn::oid, 0)::regproc,
              'mstype = ' || format_type(nullif(a.aggmtranstype, 0), null),
              case when a.aggmtransspace <> 0 then 'msspace = ' || a.aggmtransspace end,
              'mfinalfunc = ' || nullif(a.aggmfinalfn::oid, 0)::regproc,
              case when a.aggmfinalextra then 'mfinalfunc_extra' end,
              case when a.aggmfinalfn <> 0 and a.aggmfinalmodify <> case a.aggkind when 'n' then 'r' else 'w' end::"char"
                   then 'mfinalfunc_modify = ' || case a.aggmfinalmodify when 'r' then 'read_only' when 's' then 'shareable' else 'read_write' end end,
              'minitcond = ' || quote_literal(a.aggminitval),
              'sortop = operator(' || quote_ident(sn.nspname) || '.' || so.oprname || ')',
              case a.aggkind when 'h' then 'hypothetical' end,
              case p.proparallel when 's' then 'parallel = safe' when 'r' then 'parallel = restricted' end)), null
from routine p
join ours n on n.oid = p.pronamespace
join pg_aggregate a on a.aggfnoid = p.oid
left join pg_operator so on so.oid = a.aggsortop
left join pg_namespace sn on sn.oid = so.oprnamespace
union all
select 'operator', 'pg_operator'::regclass, o.oid, null, 0, o.oid::regoperator::text,
       format('create operator %I.%s (%s)', n.nspname, o.oprname, concat_ws(', ',
              'function = ' || o.oprcode,
              'leftarg = ' || format_type(nullif(o.oprleft, 0), null), 'rightarg = ' || format_type(nullif(o.oprright, 0), null),
              'commutator = operator(' || quote_ident(cn.nspname) || '.' || c.oprname || ')',
              'negator = operator(' || quote_ident(gn.nspname) || '.' || g.oprname || ')',
              'restrict = ' || nullif(o.oprrest::oid, 0)::regproc, 'join = ' || nullif(o.oprjoin::oid, 0)::regproc,
              case when o.oprcanhash then 'hashes' end, case when o.oprcanmerge then 'merges' end)), null
from pg_operator o
join ours n on n.oid = o.oprnamespace
left join pg_operator c on c.oid = o.oprcom left join pg_namespace cn on cn.oid = c.oprnamespace
left join pg_operator g on g.oid = o.oprnegate left join pg_namespace gn on gn.oid = g.oprnamespace
where o.oprcode <> 0 and not exists (select from member m where m.classid = 'pg_operator'::regclass and m.objid = o.oid)
union all
select 'operator-family', 'pg_opfamily'::regclass, f.oid, null, 0, format('%I.%I', n.nspname, f.opfname),
       format('create operator family %I.%I using %I', n.nspname, f.opfname, a.amname), null
from pg_opfamily f join ours n on n.oid = f.opfnamespace join pg_am a on a.oid = f.opfmethod
where not exists (select from member m where m.classid = 'pg_opfamily'::regclass and m.objid = f.oid)
union all
select 'operator-family-items', 'pg_opfamily'::regclass, f.oid, null, 0, format('%I.%I', n.nspname, f.opfname),
       format('alter operator family %I.%I using %I add %s', n.nspname, f.opfname, a.amname,
              string_agg(i.text, ', ' order by i.kind, i.number, i.text)), null
from pg_opfamily f join ours n on n.oid = f.opfnamespace join pg_am a on a.oid = f.opfmethod
join family_item i on i.holder = f.oid and not i.in_class
where not exists (select from member m where m.classid = 'pg_opfamily'::regclass and m.objid = f.oid)
group by f.oid, n.nspname, f.opfname, a.amname
union all
select 'operator-class', 'pg_opclass'::regclass, o.oid, null, 0, format('%I.%I', n.nspname, o.opcname),
       format('create operator class %I.%I %sfor type %s using %I family %I.%I as %s', n.nspname, o.opcname,
              case when o.opcdefault then 'default ' end, o.opcintype::regtype, a.amname, fn.nspname, f.opfname,
              concat_ws(', ', case when o.opckeytype <> 0 then 'storage ' || o.opckeytype::regtype end, coalesce(
                  (select string_agg(i.text, ', ' order by i.kind, i.number, i.text) from family_item i where i.in_class and i.holder = o.oid),
                  case when o.opckeytype = 0 then 'storage ' || o.opcintype::regtype end))), null
from pg_opclass o
join ours n on n.oid = o.opcnamespace
join pg_am a on a.oid = o.opcmethod
join pg_opfamily f on f.oid = o.opcfamily
join pg_namespace fn on fn.oid = f.opfnamespace
where not exists (select from member m where m.classid = 'pg_opclass'::regclass and m.objid = o.oid)
union all
select 'cast', 'pg_cast'::regclass, c.oid, null, 0, format('(%s as %s)', format_type(c.castsource, null), format_type(c.casttarget, null)),
       format('create cast (%s as %s) %s%s', format_type(c.castsource, null), format_type(c.casttarget, null),
              case c.castmethod when 'f' then 'with function ' || format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
                                when 'i' then 'with inout' else 'without function' end,
              case c.castcontext when 'a' then ' as assignment' when 'i' then ' as implicit' end), null
from pg_cast c left join pg_proc p on p.oid = c.castfunc left join pg_namespace n on n.oid = p.pronamespace
where c.oid >= 16384 and not exists (select from member m where m.classid = 'pg_cast'::regclass and m.objid = c.oid)
union all
select 'conversion', 'pg_conversion'::regclass, c.oid, null, 0, format('%I.%I', n.nspname, c.conname),
       format('create %sconversion %I.%I for %L to %L from %s', case when c.condefault then 'default ' end, n.nspname, c.conname,
              pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc), null
from pg_conversion c join ours n on n.oid = c.connamespace
where not exists (select from member m where m.classid = 'pg_conversion'::regclass and m.objid = c.oid)
union all
select 'transform', 'pg_transform'::regclass, t.oid, null, 0, format('for %s language %I', format_type(t.trftype, null), l.lanname),
       format('create transform for %s language %I (%s)', format_type(t.trftype, null), l.lanname, concat_ws(', ',
              'from sql with function ' || nullif(t.trffromsql::oid, 0)::regprocedure,
              'to sql with function ' || nullif(t.trftosql::oid, 0)::regprocedure)), null
from pg_transform t join pg_language l on l.oid = t.trflang
where not exists (select from member m where m.classid = 'pg_transform'::regclass and m.objid = t.oid)
union all
select 'text-search-parser', 'pg_ts_parser'::regclass, p.oid, null, 0, format('%I.%I', n.nspname, p.prsname),
       format('create text search parser %I.%I (start = %s, gettoken = %s, "end" = %s, lextypes = %s', n.nspname, p.prsname, p.prsstart, p.prstoken,
              p.prsend, p.prslextype) || coalesce(', headline = ' || nullif(p.prsheadline::oid, 0)::regproc, '') || ')', null
from pg_ts_parser p join ours n on n.oid = p.prsnamespace
where not exists (select from member m where m.classid = 'pg_ts_parser'::regclass and m.objid = p.oid)
union all
select 'text-search-template', 'pg_ts_template'::regclass, t.oid, null, 0, format('%I.%I', n.nspname, t.tmplname),
       format('create text search template %I.%I (', n.nspname, t.tmplname)
       || coalesce('init = ' || nullif(t.tmplinit::oid, 0)::regproc || ', ', '') || format('lexize = %s)', t.tmpllexize), null
from pg_ts_template t join ours n on n.oid = t.tmplnamespace
where not exists (select from member m where m.classid = 'pg_ts_template'::regclass and m.objid = t.oid)
union all
select 'text-search-dictionary', 'pg_ts_dict'::regclass, d.oid, null, 0, format('%I.%I', n.nspname, d.dictname),
       format('create text search dictionary %I.%I (template = %I.%I', n.nspname, d.dictname, tn.nspname, t.tmplname)
       || coalesce(', ' || d.dictinitoption, '') || ')', null
from pg_ts_dict d
join ours n on n.oid = d.dictnamespace
join pg_ts_template t on t.oid = d.dicttemplate
join pg_namespace tn on tn.oid = t.tmplnamespace
where not exists (select from member m where m.classid = 'pg_ts_dict'::regclass and m.objid = d.oid)
union all
select 'text-search-configuration', 'pg_ts_config'::regclass, c.oid, null, 0, format('%I.%I', n.nspname, c.cfgname),
       format('create text search configuration %I.%I (parser = %I.%I)', n.nspname, c.cfgname, pn.nspname, p.prsname), null
from pg_ts_config c
join ours n on n.oid = c.cfgnamespace
join pg_ts_parser p on p.oid = c.cfgparser
join pg_namespace pn on pn.oid = p.prsnamespace
where not exists (select from member m where m.classid = 'pg_ts_config'::regclass and m.objid = c.oid)
union all
select 'text-search-mapping', 'pg_ts_config'::regclass, c.oid, null, m.maptokentype, format('%I.%I', n.nspname, c.cfgname),
       format('alter text search configuration %I.%I add mapping for %s with %s', n.nspname, c.cfgname,
              (select quote_ident(k.alias) from ts_token_type(c.cfgparser) k where k.tokid = m.maptokentype),
              string_agg(format('%I.%I', dn.nspname, d.dictname), ', ' order by m.mapseqno)), null
from pg_ts_config c
join ours n on n.oid = c.cfgnamespace
join pg_ts_config_map m on m.mapcfg = c.oid
join pg_ts_dict d on d.oid = m.mapdict
join pg_namespace dn on dn.oid = d.dictnamespace
where not exists (select from member x where x.classid = 'pg_ts_config'::regclass and x.objid = c.oid)
group by c.oid, n.nspname, c.cfgname, c.cfgparser, m.maptokentype
