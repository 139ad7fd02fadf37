package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SchemaVersion is the layout of the kernel's own tables and the meaning of columns. It rises only when an older program
// must not touch the database any more; new tables, columns and indexes do not raise it.
const SchemaVersion = 1

// The kernel's own tables. The feed is one row whose position every transaction that touches a cached table raises
// inside itself, so that positions become visible in order; feed_change says which rows each position changed.
const (
	metaTable   = "symbolon_meta"
	feedTable   = "symbolon_feed"
	changeTable = "symbolon_feed_change"
)

var selectMeta = &Statement{SQL: "SELECT name, value FROM " + metaTable, Columns: 2}

// schema brings the database's tables to their declarations: it creates and adds, and never drops a column or changes an index. Programs
// of two versions start on one database in any order, so that what one has is not another's to take away.
type schema struct {
	backend Backend
	dialect Dialect
	meta    map[string]string
	steps   []string
}

// prepareSchema does what is to do and says what that was. It plans once more when no other node can be at the same.
func prepareSchema(ctx context.Context, b Backend, tables []*sqlTable) (done []string, err error) {
	if steps, err := planSchema(ctx, b, tables); err != nil || len(steps) == 0 {
		return nil, err
	}
	err = b.Alone(ctx, func() error {
		if done, err = planSchema(ctx, b, tables); err != nil || len(done) == 0 {
			return err
		}
		return b.Define(ctx, done)
	})
	return done, err
}

func planSchema(ctx context.Context, b Backend, tables []*sqlTable) ([]string, error) {
	s := &schema{backend: b, dialect: b.Dialect()}
	if err := s.readMeta(ctx); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := s.table(ctx, t); err != nil {
			return nil, err
		}
	}
	return s.steps, nil
}

// Migrate brings the database's schema to the tables' declarations and returns the statements that took; none if all
// is as it should be. Open does the same. It closes the backend.
func Migrate(ctx context.Context, b Backend, tables []Definition) (done []string, err error) {
	defer func() { err = errors.Join(err, b.Close()) }()
	compiled, err := compileTables(tables)
	if err != nil {
		return nil, err
	}
	return prepareSchema(ctx, b, compiled)
}

// compileTables are the SQL sides of the tables, cached ones numbered in order.
func compileTables(tables []Definition) ([]*sqlTable, error) {
	var all []*sqlTable
	names := map[string]bool{}
	cached := 0
	for _, table := range tables {
		d := table.definition()
		if names[d.spec.Name] {
			return nil, fmt.Errorf("store: two tables are named %s", d.spec.Name)
		}
		names[d.spec.Name] = true
		if !d.spec.Cached {
			all = append(all, newSQLTable(d, len(all), -1))
			continue
		}
		all = append(all, newSQLTable(d, len(all), cached))
		cached++
	}
	return all, nil
}

func (s *schema) readMeta(ctx context.Context) error {
	columns, _, err := s.backend.Columns(ctx, metaTable)
	if err != nil {
		return err
	}
	s.meta = map[string]string{}
	if len(columns) == 0 {
		text, number := s.dialect.Types[Text], s.dialect.Types[Int]
		s.steps = append(s.steps,
			"CREATE TABLE IF NOT EXISTS "+metaTable+" (name "+text+" PRIMARY KEY, value "+text+" NOT NULL)",
			"CREATE TABLE IF NOT EXISTS "+feedTable+" (id "+number+" PRIMARY KEY, position "+number+" NOT NULL, "+feedMoment(number)+")",
			"CREATE TABLE IF NOT EXISTS "+changeTable+" (position "+number+" NOT NULL, part "+number+" NOT NULL, table_name "+text+
				" NOT NULL, row_key "+s.dialect.Types[Bytes]+" NOT NULL, changed_at "+number+" NOT NULL, PRIMARY KEY (position, part))",
			"INSERT INTO "+feedTable+" (id, position) VALUES (1, 1) ON CONFLICT (id) DO NOTHING",
			setMeta("schema", fmt.Sprint(SchemaVersion)))
		return nil
	}
	feed, _, err := s.backend.Columns(ctx, feedTable)
	if err != nil {
		return err
	}
	if _, ok := feed["changed_at"]; !ok {
		s.steps = append(s.steps, "ALTER TABLE "+feedTable+" ADD COLUMN "+feedMoment(s.dialect.Types[Int]))
	}
	snap, err := s.backend.Begin(ctx)
	if err != nil {
		return err
	}
	defer snap.Release()
	err = snap.Query(ctx, selectMeta, nil, func(v []any) error {
		name, _ := v[0].(string)
		s.meta[name], _ = v[1].(string)
		return nil
	})
	if err != nil {
		return err
	}
	var version int
	if _, err := fmt.Sscan(s.meta["schema"], &version); err != nil || version > SchemaVersion {
		return fmt.Errorf("store: the database has schema version %q and this program knows versions up to %d: use the newer program",
			s.meta["schema"], SchemaVersion)
	}
	return nil
}

// feedMoment is the column that says when the feed's position was reached.
func feedMoment(number string) string { return "changed_at " + number + " DEFAULT 0 NOT NULL" }

func setMeta(name, value string) string {
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return "INSERT INTO " + metaTable + " (name, value) VALUES (" + q(name) + ", " + q(value) +
		") ON CONFLICT (name) DO UPDATE SET value = excluded.value"
}

func (s *schema) table(ctx context.Context, t *sqlTable) error {
	columns, key, err := s.backend.Columns(ctx, t.spec.Name)
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		s.create(t)
	} else if err := s.expand(t, columns, key); err != nil {
		return err
	}
	for i := range t.indexes {
		name, text := t.createIndex(&t.indexes[i])
		if err := s.index(name, text); err != nil {
			return err
		}
	}
	if t.expiry < 0 {
		return nil
	}
	e := t.columns[t.expiry].name
	return s.index(t.spec.Name+"_by_expiry", "CREATE INDEX "+t.spec.Name+"_by_expiry ON "+t.spec.Name+" ("+e+") WHERE "+e+" IS NOT NULL")
}

func (s *schema) create(t *sqlTable) {
	var b strings.Builder
	b.WriteString("CREATE TABLE IF NOT EXISTS " + t.spec.Name + " (")
	for i := range t.columns {
		b.WriteString(s.column(&t.columns[i]) + ", ")
	}
	b.WriteString(revColumn + " " + s.dialect.Types[Int] + " NOT NULL, PRIMARY KEY (" + t.names(t.keys) + "))")
	s.steps = append(s.steps, b.String())
}

// column is a column's definition. Its default is the Go zero value, which rows from before the column then have.
func (s *schema) column(c *column) string {
	text := c.name + " " + s.dialect.Types[c.kind]
	switch c.kind {
	case Text:
		text += " DEFAULT ''"
	case Int:
		text += " DEFAULT 0"
	case Bool:
		text += " DEFAULT FALSE"
	case JSON:
		text += " DEFAULT 'null'"
	default:
		return text
	}
	return text + " NOT NULL"
}

func (s *schema) expand(t *sqlTable, columns map[string]string, key []string) error {
	if want := strings.Split(t.names(t.keys), ", "); !slices.Equal(want, key) {
		return fmt.Errorf("store: table %s has primary key %v in the database and %v in this program", t.spec.Name, key, want)
	}
	for i := range t.columns {
		c := &t.columns[i]
		has, ok := columns[c.name]
		if !ok {
			s.steps = append(s.steps, "ALTER TABLE "+t.spec.Name+" ADD COLUMN "+s.column(c))
			continue
		}
		if want := s.dialect.Types[c.kind]; !strings.EqualFold(has, want) {
			return fmt.Errorf("store: table %s: column %s is %s in the database and %s in this program", t.spec.Name, c.name, has, want)
		}
	}
	return nil
}

// index adds an index that no program has made yet. What has its name without being noted is a rest of one that was interrupted.
func (s *schema) index(name, text string) error {
	known := "index:" + name
	was, ok := s.meta[known]
	if !ok {
		s.steps = append(s.steps, "DROP INDEX IF EXISTS "+name, text, setMeta(known, text))
		return nil
	}
	if was != text {
		return fmt.Errorf("store: index %s is %q in the database and %q in this program: that is a fault of the program, which must give a changed "+
			"index a new name; nothing was changed", name, was, text)
	}
	return nil
}
