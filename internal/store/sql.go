package store

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// revColumn holds a row's version: a random number that changes with every write, so that a row deleted and made again
// is told from the one that was read.
const revColumn = "rev"

// sqlTable is one table in one database: its declaration and the statements over it.
type sqlTable struct {
	*def
	number int // position among the database's tables
	cached int // position among the cached tables, -1 if not cached
	layout *Layout

	get          *Statement // by key; all columns and rev
	all          *Statement // every row
	insert       *Statement // unless a live row has the key
	upsert       *Statement
	remove       *Statement // by key and rev
	drop         *Statement // by key
	countRev     *Statement // by key and rev
	countLive    *Statement // by key, live
	sweep        *Statement // expired rows, some
	byIndex      []*Statement
	countByIndex []*Statement
	dropByIndex  []*Statement // expired rows with another key in the way of a unique value

	countExpired, expiryAfter, countBetween *Statement // the census's

	lists   sync.Map // listShape → *Statement
	updates sync.Map // columnSet → *Statement, by key and rev
	kinds   atomic.Int32

	recalled atomic.Bool  // some transaction wanted to read a row of it: its rows are worth remembering
	swept    atomic.Int64 // rows that expired up to then may be gone, in microseconds
}

func newSQLTable(d *def, number, cached int) *sqlTable {
	t := &sqlTable{def: d, number: number, cached: cached, layout: d.layout()}
	name, key := d.spec.Name, t.where(d.keys)
	all := t.names(nil) + ", " + revColumn
	width := len(d.columns) + 1
	t.get = &Statement{SQL: "SELECT " + all + " FROM " + name + " WHERE " + key, Columns: width}
	t.all = &Statement{SQL: "SELECT " + all + " FROM " + name + " ORDER BY " + t.names(d.keys), Columns: width}
	into := "INSERT INTO " + name + " (" + all + ") VALUES (" + marks(width) + ") ON CONFLICT (" + t.names(d.keys) + ") DO "
	replace := "UPDATE SET " + t.excluded()
	t.upsert = &Statement{SQL: into + replace}
	if d.expiry >= 0 {
		t.insert = &Statement{SQL: into + replace + " WHERE " + name + "." + d.columns[d.expiry].name + " <= ?"}
	} else {
		t.insert = &Statement{SQL: into + "NOTHING"}
	}
	t.insert.Form = Form{Act: Insert, Layout: t.layout}
	t.remove = &Statement{SQL: "DELETE FROM " + name + " WHERE " + key + " AND " + revColumn + " = ?"}
	t.drop = &Statement{SQL: "DELETE FROM " + name + " WHERE " + key}
	count := "SELECT count(*) FROM " + name + " WHERE "
	t.countRev = &Statement{SQL: count + key + " AND " + revColumn + " = ?", Columns: 1, Form: Form{Act: Hold, Layout: t.layout, Match: t.layout.Key}}
	t.countLive = &Statement{SQL: count + key + t.live(), Columns: 1, Form: Form{Act: Absent, Layout: t.layout, Match: t.layout.Key}}
	t.indexStatements(all, count, width)
	if d.expiry >= 0 {
		e := d.columns[d.expiry].name
		keys := t.names(d.keys)
		t.sweep = &Statement{SQL: "DELETE FROM " + name + " WHERE (" + keys + ") IN (SELECT " + keys + " FROM " + name +
			" WHERE " + e + " IS NOT NULL AND " + e + " <= ? ORDER BY " + e + " LIMIT ?) AND " + e + " <= ?"}
		t.censusStatements()
	}
	return t
}

// maxUpdates bounds the kinds of updates of a table that have a statement of their own.
const maxUpdates = 32

// update is the statement that sets the columns, and the set it sets: all but the key where a table has had many kinds of updates.
func (t *sqlTable) update(set columnSet) (*Statement, columnSet) {
	if s, ok := t.updates.Load(set); ok {
		return s.(*Statement), set
	}
	if t.kinds.Add(1) > maxUpdates {
		set = t.updatable()
	}
	var b strings.Builder
	b.WriteString("UPDATE " + t.spec.Name + " SET ")
	for i := range t.columns {
		if set.has(i) {
			b.WriteString(t.columns[i].name + " = ?, ")
		}
	}
	b.WriteString(revColumn + " = ? WHERE " + t.where(t.keys) + " AND " + revColumn + " = ?")
	s, _ := t.updates.LoadOrStore(set, &Statement{SQL: b.String(), Form: Form{Act: Update, Layout: t.layout, Set: t.nameList(set.list())}})
	return s.(*Statement), set
}

// updatable are the columns that are not of the key.
func (t *sqlTable) updatable() (set columnSet) {
	for i := range t.columns {
		if !t.columns[i].key {
			set.add(i)
		}
	}
	return set
}

func (t *sqlTable) indexStatements(all, count string, width int) {
	name := t.spec.Name
	for i := range t.indexes {
		ix := &t.indexes[i]
		where := t.where(ix.columns) + t.sparse(ix) + t.live()
		t.byIndex = append(t.byIndex, &Statement{SQL: "SELECT " + all + " FROM " + name + " WHERE " + where, Columns: width})
		var form Form
		if ix.Unique {
			form = Form{Act: Absent, Layout: t.layout, Match: t.nameList(ix.columns)}
		}
		t.countByIndex = append(t.countByIndex, &Statement{SQL: count + where, Columns: 1, Form: form})
		var drop *Statement
		if ix.Unique && t.expiry >= 0 {
			drop = &Statement{SQL: "DELETE FROM " + name + " WHERE " + t.where(ix.columns) + t.sparse(ix) + " AND " +
				t.columns[t.expiry].name + " <= ? AND NOT (" + t.where(t.keys) + ")"}
		}
		t.dropByIndex = append(t.dropByIndex, drop)
	}
}

// listShape is what the text of a list statement depends on; the values are its parameters.
type listShape struct {
	index  int // -1: the primary key
	prefix int // key parts fixed by the query
	after  int // key parts compared to the last row seen: the rest of the key, or none
	upTo   bool
	count  bool
	not    int // rows left out, by rev
}

// list returns the statement that selects, or counts, the rows of a query.
func (t *sqlTable) list(s listShape) *Statement {
	if st, ok := t.lists.Load(s); ok {
		return st.(*Statement)
	}
	var where []string
	if s.index >= 0 {
		ix := &t.indexes[s.index]
		where = append(where, t.where(ix.columns)+t.sparse(ix))
	} else if s.prefix > 0 {
		where = append(where, t.where(t.keys[:s.prefix]))
	}
	rest := t.keys[s.prefix:]
	if s.after > 0 {
		where = append(where, "("+t.names(rest)+") > ("+marks(len(rest))+")")
	}
	if s.upTo {
		where = append(where, "("+t.names(rest)+") <= ("+marks(len(rest))+")")
	}
	if t.expiry >= 0 {
		where = append(where, strings.TrimPrefix(t.live(), " AND "))
	}
	if s.not > 0 {
		where = append(where, revColumn+" NOT IN ("+marks(s.not)+")")
	}
	text := " FROM " + t.spec.Name
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	st := &Statement{SQL: "SELECT count(*)" + text, Columns: 1}
	if !s.count {
		st = &Statement{SQL: "SELECT " + t.names(nil) + ", " + revColumn + text + " ORDER BY " + t.names(t.keys) + " LIMIT ?",
			Columns: len(t.columns) + 1}
	}
	kept, _ := t.lists.LoadOrStore(s, st)
	return kept.(*Statement)
}

func (d *def) nameList(columns []int) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = d.columns[c].name
	}
	return out
}

// layout describes the table to backends.
func (d *def) layout() *Layout {
	l := &Layout{Table: d.spec.Name, Key: d.nameList(d.keys)}
	for i := range d.columns {
		l.Columns, l.Kinds = append(l.Columns, d.columns[i].name), append(l.Kinds, d.columns[i].kind)
	}
	if d.expiry >= 0 {
		l.Expiry = d.columns[d.expiry].name
	}
	for i := range d.indexes {
		if ix := &d.indexes[i]; ix.Unique {
			l.Unique = append(l.Unique, UniqueIndex{Columns: d.nameList(ix.columns), Sparse: ix.Sparse})
		}
	}
	return l
}

// names lists columns, all of them for nil.
func (t *sqlTable) names(columns []int) string {
	var b strings.Builder
	write := func(c int) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.columns[c].name)
	}
	if columns == nil {
		for c := range t.columns {
			write(c)
		}
	}
	for _, c := range columns {
		write(c)
	}
	return b.String()
}

func (t *sqlTable) where(columns []int) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = t.columns[c].name + " = ?"
	}
	return strings.Join(parts, " AND ")
}

// sparse repeats a sparse index's predicate, without which the database would not use it.
func (t *sqlTable) sparse(ix *indexDef) string {
	if !ix.Sparse {
		return ""
	}
	return " AND " + t.columns[ix.columns[len(ix.columns)-1]].name + " <> ''"
}

// live leaves out expired rows; its parameter is the transaction's timestamp.
func (t *sqlTable) live() string {
	if t.expiry < 0 {
		return ""
	}
	e := t.columns[t.expiry].name
	return " AND (" + e + " IS NULL OR " + e + " > ?)"
}

// withNow adds live's parameter.
func (t *sqlTable) withNow(args []any, now int64) []any {
	if t.expiry < 0 {
		return args
	}
	return append(args, now)
}

func (t *sqlTable) excluded() string {
	var b strings.Builder
	for i := range t.columns {
		if !t.columns[i].key {
			b.WriteString(t.columns[i].name + " = excluded." + t.columns[i].name + ", ")
		}
	}
	return b.String() + revColumn + " = excluded." + revColumn
}

func marks(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}

func keyArgs(parts []string, extra int) []any {
	out := make([]any, 0, len(parts)+extra)
	for _, p := range parts {
		out = append(out, p)
	}
	return out
}

// createIndex is the definition of an index. One that changes needs a new name (schema.index).
func (t *sqlTable) createIndex(ix *indexDef) (name, text string) {
	name = t.spec.Name + "_" + ix.Name
	columns := slices.Clone(ix.columns)
	unique := ""
	if ix.Unique {
		unique = "UNIQUE "
	} else {
		for _, k := range t.keys {
			if !slices.Contains(columns, k) {
				columns = append(columns, k)
			}
		}
	}
	text = "CREATE " + unique + "INDEX " + name + " ON " + t.spec.Name + " (" + t.names(columns) + ")"
	if ix.Sparse {
		text += " WHERE " + strings.TrimPrefix(t.sparse(ix), " AND ")
	}
	return name, text
}
