package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// bulk is a statement that does what many commits alike do, each of a few single-row writes: its parameters are lists, one
// for each of theirs in turn, and it returns the keys of the first rows of those that went through.
//
// Who misses the first write does none of the others. Who misses a later one fails the statement, since the first is done:
// each must then go by itself.
type bulk struct {
	*text
	key []int // positions of the first row's key among the parameters
	// nows are the positions of times among them, which are one value for all: the earliest.
	nows []int
}

// maxChain bounds the writes of a commit that goes in bulk.
const maxChain = 4

// chain names the statements of such a commit.
type chain [maxChain]*store.Statement

// bulk is the statement for commits of these steps; nil where there can be none.
func (d *dictionary) bulk(steps []store.Step) *bulk {
	var c chain
	if len(steps) > maxChain {
		return nil
	}
	for i := range steps {
		if s := &steps[i]; s.Check || s.Want != 1 || s.Statement.Form.Act != store.Insert && s.Statement.Form.Act != store.Update {
			return nil
		}
		c[i] = steps[i].Statement
	}
	if known, ok := d.chains.Load(c); ok {
		return known.(*bulk)
	}
	forms := make([]*store.Form, len(steps))
	for i := range steps {
		forms[i] = &steps[i].Statement.Form
	}
	known, _ := d.chains.LoadOrStore(c, bulkOf(forms))
	return known.(*bulk)
}

// bulkOf is nil for writes that cannot be done in bulk: one row with a value that a unique index has would fail all, and one
// statement writes a table once.
func bulkOf(forms []*store.Form) *bulk {
	tables := map[string]bool{}
	for _, f := range forms {
		if tables[f.Layout.Table] || f.Act == store.Insert && len(f.Layout.Unique) > 0 || f.Act == store.Update && indexed(f) {
			return nil
		}
		tables[f.Layout.Table] = true
	}
	out := &bulk{}
	var parts []*part
	for _, f := range forms {
		parts = append(parts, out.part(f, parts))
	}
	out.key = parts[0].key
	if len(parts) == 1 {
		out.text = &text{parts[0].write(unnested(parts, "v"))}
		return out
	}
	out.text = &text{chained(parts)}
	return out
}

// indexed says whether an update writes a unique value.
func indexed(f *store.Form) bool {
	for _, u := range f.Layout.Unique {
		for _, c := range u.Columns {
			if slices.Contains(f.Set, c) {
				return true
			}
		}
	}
	return false
}

// part is one of the writes, with the numbers of its parameters.
type part struct {
	form  *store.Form
	first int // the number of its first parameter
	kinds []store.Kind
	key   []int // positions of its key among all parameters
	now   int   // the number of its time, 0 if it has none
}

func (k *bulk) part(f *store.Form, before []*part) *part {
	p := &part{form: f, first: 1}
	if n := len(before); n > 0 {
		last := before[n-1]
		p.first = last.first + len(last.kinds)
		if last.now > 0 {
			p.first++
		}
	}
	l := f.Layout
	if f.Act == store.Update {
		for _, c := range f.Set {
			p.kinds = append(p.kinds, l.Kinds[slices.Index(l.Columns, c)])
		}
		p.kinds = append(p.kinds, store.Int)
		for range l.Key {
			p.key = append(p.key, p.first-1+len(p.kinds))
			p.kinds = append(p.kinds, store.Text)
		}
		p.kinds = append(p.kinds, store.Int)
		return p
	}
	p.kinds = append(slices.Clone(l.Kinds), store.Int)
	for _, c := range l.Key {
		p.key = append(p.key, p.first-1+slices.Index(l.Columns, c))
	}
	if l.Expiry != "" {
		p.now = p.first + len(p.kinds)
		k.nows = append(k.nows, p.now-1)
	}
	return p
}

// unnested reads the lists as the columns of a table, each named by the number of its parameter.
func unnested(parts []*part, name string) string {
	var lists, names []string
	for _, p := range parts {
		for i, k := range p.kinds {
			n := strconv.Itoa(p.first + i)
			lists = append(lists, "$"+n+"::"+listTypes[k])
			names = append(names, "c"+n)
		}
	}
	return "unnest(" + strings.Join(lists, ", ") + ") AS " + name + "(" + strings.Join(names, ", ") + ")"
}

// listTypes are the types of lists; JSON travels as text, since not every database has lists of it.
var listTypes = [...]string{
	store.Text: "text[]", store.Int: "bigint[]", store.Bool: "boolean[]", store.Time: "timestamptz[]", store.Bytes: "bytea[]", store.JSON: "text[]",
}

// column is the part's i-th value, of the type that its table's column has.
func (p *part) column(i int) string {
	name := "v.c" + strconv.Itoa(p.first+i)
	if p.kinds[i] == store.JSON {
		return "CAST(" + name + " AS json)"
	}
	return name
}

// write is the statement over the rows of source, in which the values are those of v.
func (p *part) write(source string) string {
	if p.form.Act == store.Update {
		return p.update(source)
	}
	return p.insert(source)
}

func (p *part) update(source string) string {
	f, n := p.form, 0
	next := func() string { n++; return p.column(n - 1) }
	var set, where []string
	for _, c := range append(slices.Clone(f.Set), "rev") {
		set = append(set, c+" = "+next())
	}
	for _, c := range append(slices.Clone(f.Layout.Key), "rev") {
		where = append(where, "t."+c+" = "+next())
	}
	return "UPDATE " + f.Layout.Table + " AS t SET " + strings.Join(set, ", ") + " FROM " + source + " WHERE " + strings.Join(where, " AND ") +
		" RETURNING t." + strings.Join(f.Layout.Key, ", t.")
}

func (p *part) insert(source string) string {
	l := p.form.Layout
	values := make([]string, len(p.kinds))
	for i := range p.kinds {
		values[i] = p.column(i)
	}
	conflict := "NOTHING"
	if l.Expiry != "" {
		var replace []string
		for _, c := range append(slices.Clone(l.Columns), "rev") {
			if !slices.Contains(l.Key, c) {
				replace = append(replace, c+" = excluded."+c)
			}
		}
		conflict = "UPDATE SET " + strings.Join(replace, ", ") + " WHERE " + l.Table + "." + l.Expiry + " <= $" + strconv.Itoa(p.now)
	}
	return "INSERT INTO " + l.Table + " (" + strings.Join(l.Columns, ", ") + ", rev) SELECT " + strings.Join(values, ", ") + " FROM " + source +
		" ON CONFLICT (" + strings.Join(l.Key, ", ") + ") DO " + conflict + " RETURNING " + strings.Join(l.Key, ", ")
}

// chained is one statement of several writes, s1 and so on.
func chained(parts []*part) string {
	first := parts[0]
	var same, returned []string
	for i, c := range first.form.Layout.Key {
		same = append(same, "s1."+c+" = v.c"+strconv.Itoa(first.key[i]+1))
		returned = append(returned, "s1."+c)
	}
	sql := "WITH v AS (SELECT * FROM " + unnested(parts, "u") + "), s1 AS (" + first.write("v") + ")"
	var whole []string
	for i, p := range parts[1:] {
		name := "s" + strconv.Itoa(i+2)
		sql += ", " + name + " AS (" + p.write("v JOIN s1 ON "+strings.Join(same, " AND ")) + ")"
		whole = append(whole, "(SELECT count(*) FROM s1) = (SELECT count(*) FROM "+name+")")
	}
	return sql + " SELECT " + strings.Join(returned, ", ") + ", 1 / (CASE WHEN " + strings.Join(whole, " AND ") + " THEN 1 ELSE 0 END) FROM s1"
}

// keyOf joins the key of the first row in a commit's arguments.
func (k *bulk) keyOf(args []any) string {
	if len(k.key) == 1 {
		s, _ := args[k.key[0]].(string)
		return s
	}
	var b strings.Builder
	for i, at := range k.key {
		if i > 0 {
			b.WriteByte(0)
		}
		s, _ := args[at].(string)
		b.WriteString(s)
	}
	return b.String()
}

// joined is keyOf for what the statement returns.
func (k *bulk) joined(values [][]byte) string {
	if len(k.key) == 1 {
		return string(values[0])
	}
	var b strings.Builder
	for i := range k.key {
		if i > 0 {
			b.WriteByte(0)
		}
		b.Write(values[i])
	}
	return b.String()
}

// lists turns the arguments of commits into those of the statement.
func (k *bulk) lists(members []*member) []any {
	out := make([]any, len(members[0].args))
	for i := range out {
		if slices.Contains(k.nows, i) {
			out[i] = earliest(members, i)
			continue
		}
		list := make([]any, len(members))
		for j, m := range members {
			list[j] = m.args[i]
		}
		out[i] = list
	}
	return out
}

func earliest(members []*member, at int) any {
	first, _ := members[0].args[at].(int64)
	for _, m := range members {
		if t, ok := m.args[at].(int64); ok {
			first = min(first, t)
		}
	}
	return first
}
