//! What statements on everything but tables are read as, shown as `tests` shows it.

use super::tests::check;

#[test]
fn views_keep_their_query_and_options() {
    check(
        "views_keep_their_query_and_options",
        &[
            "CREATE VIEW app.v AS SELECT a, b.c FROM t JOIN b ON b.id = t.id",
            "CREATE OR REPLACE TEMP VIEW v (x, y) WITH (security_barrier, check_option = LOCAL) AS SELECT a, b FROM t",
            "CREATE VIEW v AS SELECT a FROM t WHERE a > 0 WITH CASCADED CHECK OPTION",
            "CREATE VIEW v AS TABLE t WITH LOCAL CHECK OPTION;",
            "CREATE VIEW v AS VALUES (1, 'as') WITH CHECK OPTION",
            "CREATE VIEW \"as\" AS (SELECT a AS \"with\" FROM t)",
            "CREATE RECURSIVE VIEW app.v (n) AS SELECT a FROM t UNION ALL SELECT n + 1 FROM v",
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v (x) WITH (fillfactor = 70) TABLESPACE fast AS SELECT a FROM t WITH NO DATA",
            "CREATE MATERIALIZED VIEW v AS SELECT a FROM t WITH DATA",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY app.v",
            "REFRESH MATERIALIZED VIEW v WITH NO DATA",
            "ALTER VIEW IF EXISTS app.v RENAME TO w",
            "ALTER MATERIALIZED VIEW v SET SCHEMA app",
            "DROP VIEW IF EXISTS v, app.w CASCADE",
        ],
    );
}

#[test]
fn routines_keep_their_statement() {
    check(
        "routines_keep_their_statement",
        &[
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "CREATE OR REPLACE FUNCTION app.f(a int, OUT b text, INOUT c varchar(10)[], VARIADIC d kind[] DEFAULT '{}') IMMUTABLE LANGUAGE sql AS 'select 1'",
            "CREATE FUNCTION f(int) RETURNS SETOF t STABLE LANGUAGE sql BEGIN ATOMIC SELECT a FROM t; END",
            "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE sql AS ''",
            "CREATE FUNCTION f(a t.id%TYPE) RETURNS int LANGUAGE sql RETURN a + g(1)",
            "CREATE PROCEDURE p(a int) LANGUAGE sql AS ''",
            "CREATE AGGREGATE app.a (int, text ORDER BY kind) (SFUNC = app.f, STYPE = app.state, FINALFUNC = lower)",
            "CREATE AGGREGATE a (BASETYPE = int, SFUNC = int4pl, STYPE = int)",
            "CREATE AGGREGATE a (*) (SFUNC = f, STYPE = int)",
            "ALTER FUNCTION app.f(int) SECURITY DEFINER SET search_path = app",
            "ALTER FUNCTION f RENAME TO g",
            "ALTER PROCEDURE p(int) OWNER TO CURRENT_USER",
            "DROP FUNCTION IF EXISTS f(int, kind), app.g CASCADE",
            "DROP AGGREGATE a (*)",
            "DO 'begin end'",
            "CALL p(1)",
        ],
    );
}

#[test]
fn triggers_rules_and_policies_are_read() {
    check(
        "triggers_rules_and_policies_are_read",
        &[
            "CREATE TRIGGER g BEFORE INSERT OR UPDATE OF a, \"B\" ON app.t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION app.f('a', 'on')",
            "CREATE OR REPLACE TRIGGER g AFTER DELETE ON t REFERENCING OLD TABLE AS o EXECUTE PROCEDURE f()",
            "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FROM u DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()",
            "ALTER TRIGGER g ON app.t RENAME TO h",
            "DROP TRIGGER g ON app.t CASCADE",
            "CREATE RULE r AS ON UPDATE TO t WHERE old.a <> new.a DO ALSO (INSERT INTO log (x) VALUES (new.a); DELETE FROM u)",
            "CREATE OR REPLACE RULE r AS ON INSERT TO t DO INSTEAD NOTHING",
            "CREATE POLICY p ON app.t AS RESTRICTIVE FOR SELECT TO r, PUBLIC USING (a = current_user AND t.b) WITH CHECK (a IN (SELECT x FROM u))",
            "ALTER POLICY p ON t USING (b)",
            "ALTER POLICY IF EXISTS p ON t RENAME TO q",
            "DROP POLICY IF EXISTS p ON app.t",
            "CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION app.f()",
            "ALTER EVENT TRIGGER e DISABLE",
        ],
    );
}

#[test]
fn other_definitions_are_kept_with_their_references() {
    check(
        "other_definitions_are_kept_with_their_references",
        &[
            "CREATE STATISTICS IF NOT EXISTS app.s (ndistinct, mcv) ON a, \"B\", (lower(c)) FROM app.t",
            "CREATE STATISTICS ON a, b FROM t",
            "CREATE PUBLICATION p FOR TABLE t, ONLY app.u (a, \"B\") WHERE (a > 0), TABLES IN SCHEMA s WITH (publish = 'insert')",
            "ALTER PUBLICATION p DROP TABLE t",
            "CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = kind, FUNCTION = app.f, COMMUTATOR = OPERATOR(app.===), RESTRICT = eqsel)",
            "CREATE OPERATOR !! (RIGHTARG = int, PROCEDURE = f)",
            "DROP OPERATOR app.=== (int, kind), !! (NONE, int)",
            "CREATE CAST (kind AS text) WITH FUNCTION app.f(kind) AS IMPLICIT",
            "CREATE CAST (int AS kind) WITHOUT FUNCTION",
            "CREATE CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM f",
            "CREATE TRANSFORM FOR kind LANGUAGE l (FROM SQL WITH FUNCTION f(internal), TO SQL WITH FUNCTION g(internal))",
            "CREATE OPERATOR CLASS c DEFAULT FOR TYPE kind USING btree AS OPERATOR 1 <, FUNCTION 1 f(kind, kind)",
            "CREATE COLLATION IF NOT EXISTS app.c (provider = icu, locale = 'und')",
            "CREATE TEXT SEARCH CONFIGURATION c (COPY = pg_catalog.english)",
            "CREATE SERVER IF NOT EXISTS s FOREIGN DATA WRAPPER w OPTIONS (host 'x')",
            "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (password 'x')",
            "DROP USER MAPPING IF EXISTS FOR u SERVER s",
            "IMPORT FOREIGN SCHEMA a LIMIT TO (b, c) FROM SERVER s INTO app",
        ],
    );
}

#[test]
fn privileges_are_read_one_by_one() {
    check(
        "privileges_are_read_one_by_one",
        &[
            "GRANT SELECT, INSERT ON t, app.u TO r, PUBLIC WITH GRANT OPTION",
            "GRANT SELECT (a, b), UPDATE (a), DELETE ON t TO r",
            "GRANT ALL ON ALL TABLES IN SCHEMA app, public TO r",
            "REVOKE ALL PRIVILEGES ON FUNCTION f(int, kind) FROM PUBLIC CASCADE",
            "REVOKE GRANT OPTION FOR USAGE ON SCHEMA app FROM r",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO CURRENT_USER",
            "GRANT USAGE ON SEQUENCE s TO r",
            "GRANT USAGE ON TYPE app.kind TO r",
            "GRANT CONNECT ON DATABASE d TO r",
            "GRANT USAGE ON FOREIGN DATA WRAPPER w TO r",
            "GRANT SET ON PARAMETER work_mem TO r",
            "GRANT SELECT ON LARGE OBJECT 12 TO r",
            "ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA app GRANT SELECT ON TABLES TO r",
            "GRANT a TO b",
        ],
    );
}

#[test]
fn schemas_extensions_and_sessions_are_read() {
    check(
        "schemas_extensions_and_sessions_are_read",
        &[
            "CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION o",
            "CREATE SCHEMA AUTHORIZATION o",
            "DROP SCHEMA IF EXISTS a, b CASCADE",
            "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA app VERSION '1.1' CASCADE",
            "ALTER EXTENSION e UPDATE TO '2'",
            "DROP EXTENSION IF EXISTS e CASCADE",
            "SET search_path TO \"$user\", app, \"My Schema\", pg_catalog",
            "SET LOCAL search_path = ''",
            "SET search_path TO DEFAULT",
            "SET SCHEMA 'app'",
            "SELECT pg_catalog.set_config('search_path', ' App, \"My Schema\"', true)",
            "SELECT set_config('lock_timeout', $1, false)",
            "SET SESSION lock_timeout TO '2s'",
            "SET TIME ZONE LOCAL",
            "SET work_mem = 10",
            "RESET lock_timeout",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
            "SET SESSION AUTHORIZATION r",
            "SET ROLE NONE",
            "LOCK TABLE ONLY app.t, u IN SHARE ROW EXCLUSIVE MODE NOWAIT",
            "LOCK t",
            "VACUUM (FULL, ANALYZE) app.t, u",
            "VACUUM (FULL off) t",
            "CLUSTER app.t USING i",
            "REINDEX (CONCURRENTLY) INDEX app.i",
            "REINDEX TABLE CONCURRENTLY t",
            "COMMENT ON COLUMN app.t.a IS NULL",
            "COMMENT ON CONSTRAINT c ON DOMAIN d IS ''",
            "ALTER TYPE app.kind OWNER TO o",
            "ALTER DOMAIN d RENAME TO e",
            "ALTER OPERATOR CLASS c USING btree SET SCHEMA app",
        ],
    );
}
