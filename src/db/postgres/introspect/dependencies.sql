-- Which object can't be made before which other, as the database keeps it. What is internal to an object, or a member of an
-- extension, counts as that object.
select d.classid as class, d.objid as object, d.refclassid as other_class, d.refobjid as other_object,
       d.deptype in ('i', 'e') as within
from pg_depend d
where d.objid >= 16384 and d.refobjid >= 16384 and (d.classid, d.objid) <> (d.refclassid, d.refobjid)
-- The owner of a sequence is set afterwards.
  and not (d.deptype = 'a' and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
           and (select c.relkind from pg_class c where c.oid = d.objid) = 'S')
-- The type of a table's row is the table; the type of a composite's elements is the composite.
union
select 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid, true from pg_type t join pg_class c on c.oid = t.typrelid
where t.oid >= 16384 and c.relkind <> 'c'
union
select 'pg_class'::regclass, c.oid, 'pg_type'::regclass, c.reltype, true from pg_class c where c.oid >= 16384 and c.relkind = 'c'
union
select 'pg_type'::regclass, t.typarray, 'pg_type'::regclass, t.oid, true from pg_type t where t.oid >= 16384 and t.typarray <> 0
