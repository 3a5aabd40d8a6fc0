-- Owners, privileges, default privileges and comments, of whatever the other queries have found.
, object as materialized (
    select 'pg_namespace'::regclass::oid as class, n.oid as object, n.nspowner as owner, n.nspacl as acl, 'n'::"char" as acltype from pg_namespace n
    where n.oid in (select oid from ours)
    union all
    select 'pg_class'::regclass, c.oid, c.relowner, c.relacl, case c.relkind when 'S' then 's' else 'r' end::"char" from pg_class c
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relnamespace in (select oid from ours)
    union all
    select 'pg_proc'::regclass, p.oid, p.proowner, p.proacl, 'f' from pg_proc p where p.pronamespace in (select oid from ours)
    union all
    select 'pg_type'::regclass, t.oid, t.typowner, t.typacl, 'T' from pg_type t left join pg_class c on c.oid = t.typrelid
    where t.typnamespace in (select oid from ours) and coalesce(c.relkind, 'c') = 'c' and not exists (select from pg_type e where e.typarray = t.oid)
    union all
    select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner, fdwacl, 'F' from pg_foreign_data_wrapper
    union all
    select 'pg_foreign_server'::regclass, oid, srvowner, srvacl, 'S' from pg_foreign_server
    union all
    select 'pg_language'::regclass, oid, lanowner, lanacl, 'l' from pg_language where lanispl
    union all
    select 'pg_operator'::regclass, oid, oprowner, null, null from pg_operator where oprnamespace in (select oid from ours)
    union all
    select 'pg_opclass'::regclass, oid, opcowner, null, null from pg_opclass where opcnamespace in (select oid from ours)
    union all
    select 'pg_opfamily'::regclass, oid, opfowner, null, null from pg_opfamily where opfnamespace in (select oid from ours)
    union all
    select 'pg_collation'::regclass, oid, collowner, null, null from pg_collation where collnamespace in (select oid from ours)
    union all
    select 'pg_conversion'::regclass, oid, conowner, null, null from pg_conversion where connamespace in (select oid from ours)
    union all
    select 'pg_ts_dict'::regclass, oid, dictowner, null, null from pg_ts_dict where dictnamespace in (select oid from ours)
    union all
    select 'pg_ts_config'::regclass, oid, cfgowner, null, null from pg_ts_config where cfgnamespace in (select oid from ours)
    union all
    select 'pg_statistic_ext'::regclass, oid, stxowner, null, null from pg_statistic_ext where stxnamespace in (select oid from ours)
    union all
    select 'pg_publication'::regclass, oid, pubowner, null, null from pg_publication
    union all
    select 'pg_event_trigger'::regclass, oid, evtowner, null, null from pg_event_trigger
), rights as materialized (
    -- What each object was born with: as the extension left it, or what the engine gives the owner and PUBLIC.
    select o.*, coalesce(i.initprivs, acldefault(o.acltype, o.owner)) as born
    from object o left join pg_init_privs i on i.classoid = o.class and i.objoid = o.object and i.objsubid = 0
    where o.acl is not null or i.initprivs is not null
), given as (
    select r.class, r.object, a.grantee, a.privilege_type, bool_or(a.is_grantable) as is_grantable, min(a.ordinality) as ordinality
    from rights r cross join lateral aclexplode(coalesce(r.acl, acldefault(r.acltype, r.owner))) with ordinality a group by 1, 2, 3, 4
), born as (
    select r.class, r.object, a.grantee, a.privilege_type, bool_or(a.is_grantable) as is_grantable
    from rights r cross join lateral aclexplode(r.born) a group by 1, 2, 3, 4
), difference as (
    select g.class, g.object, true as granted, g.grantee, g.is_grantable, g.privilege_type, g.ordinality from given g
    where not exists (select from born b where (b.class, b.object, b.grantee, b.privilege_type) = (g.class, g.object, g.grantee, g.privilege_type)
                                           and b.is_grantable >= g.is_grantable)
    union all
    select b.class, b.object, false, b.grantee, false, b.privilege_type, 0 from born b
    where not exists (select from given g where (g.class, g.object, g.grantee, g.privilege_type) = (b.class, b.object, b.grantee, b.privilege_type))
), role (oid, name) as (
    select 0::oid, 'public' union all select oid, quote_ident(rolname) from pg_roles
)
select 'owner' as kind, o.class, o.object, null::oid as part_of, 0 as position, i.identity as name,
       format('alter %s %s owner to %I', case i.type when 'composite type' then 'type' when 'foreign-data wrapper' then 'foreign data wrapper'
                                                     when 'statistics object' then 'statistics' else i.type end,
              i.identity, pg_get_userbyid(o.owner)) as text, null::text as tail
from object o cross join lateral pg_identify_object(o.class, o.object, 0) i
where o.owner <> (select oid from pg_roles where rolname = current_user) and i.type <> 'language'
  and (o.class, o.object) not in (select 'pg_namespace'::regclass, oid from ours where nspname = 'public')
union all
select case when d.granted then 'grant' else 'revocation' end, d.class, d.object, null, min(d.ordinality)::int4, i.identity,
       format('%s %s on %s %s %s %s%s', case when d.granted then 'grant' else 'revoke' end,
              string_agg(lower(d.privilege_type), ', ' order by d.ordinality, d.privilege_type),
              case i.type when 'sequence' then 'sequence' when 'view' then 'table' when 'materialized view' then 'table' when 'foreign table' then 'table'
                          when 'composite type' then 'type' when 'foreign-data wrapper' then 'foreign data wrapper' when 'server' then 'foreign server'
                          when 'aggregate' then 'function' else i.type end,
              i.identity, case when d.granted then 'to' else 'from' end, r.name, case when d.is_grantable then ' with grant option' end), null
from difference d
cross join lateral pg_identify_object(d.class, d.object, 0) i
join role r on r.oid = d.grantee
group by d.class, d.object, d.granted, d.is_grantable, d.grantee, r.name, i.type, i.identity
union all
select 'grant', 'pg_class'::regclass, c.oid, null, 1000 + a.attnum, c.oid::regclass::text,
       format('grant %s on table %s to %s%s', string_agg(format('%s (%I)', lower(x.privilege_type), a.attname), ', ' order by x.privilege_type),
              c.oid::regclass, r.name, case when x.is_grantable then ' with grant option' end), null
from relation c
join pg_attribute a on a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
cross join lateral aclexplode(a.attacl) x
join role r on r.oid = x.grantee
group by c.oid, a.attnum, a.attname, r.name, x.is_grantable
union all
select 'default-privileges', 'pg_default_acl'::regclass, d.oid, null, case when x.granted then 1 else 0 end, pg_get_userbyid(d.defaclrole)::text,
       concat_ws(' ', format('alter default privileges for role %I', pg_get_userbyid(d.defaclrole)), 'in schema ' || quote_ident(n.nspname),
                 case when x.granted then 'grant' else 'revoke' end, string_agg(lower(x.privilege_type), ', ' order by x.privilege_type), 'on',
                 case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
                                      when 'n' then 'schemas' when 'L' then 'large objects' end,
                 case when x.granted then 'to' else 'from' end, r.name, case when x.is_grantable then 'with grant option' end), null
from pg_default_acl d
left join pg_namespace n on n.oid = d.defaclnamespace
cross join lateral (select case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end::"char" as acltype) k
cross join lateral (
    select true as granted, a.grantee, a.privilege_type, a.is_grantable from aclexplode(d.defaclacl) a
    where d.defaclnamespace <> 0 or not exists (select from aclexplode(acldefault(k.acltype, d.defaclrole)) b
                      where (b.grantee, b.privilege_type) = (a.grantee, a.privilege_type) and b.is_grantable >= a.is_grantable)
    union all
    select false, b.grantee, b.privilege_type, false from aclexplode(acldefault(k.acltype, d.defaclrole)) b
    where d.defaclnamespace = 0 and not exists (select from aclexplode(d.defaclacl) a where (b.grantee, b.privilege_type) = (a.grantee, a.privilege_type))
) x
join role r on r.oid = x.grantee
where d.defaclnamespace = 0 or n.oid in (select oid from ours)
group by d.oid, d.defaclrole, d.defaclobjtype, n.nspname, x.granted, x.is_grantable, r.name
union all
select 'comment', d.classoid, d.objoid, null, d.objsubid, i.identity,
       case i.type when 'domain constraint' then format('comment on constraint %I on domain %s is %L', k.conname, k.contypid::regtype, d.description)
            else format('comment on %s %s is %L',
                 case when i.type like '%column' then 'column' when i.type = 'table constraint' then 'constraint' when i.type = 'composite type' then 'type'
                      when i.type = 'foreign-data wrapper' then 'foreign data wrapper' when i.type = 'statistics object' then 'statistics' else i.type end,
                 i.identity, d.description) end, null
from pg_description d
left join pg_constraint k on d.classoid = 'pg_constraint'::regclass and k.oid = d.objoid
cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
where d.objoid >= 16384 and d.classoid <> 'pg_extension'::regclass
