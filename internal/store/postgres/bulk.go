package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// bulk is a statement that does what many single-row statements alike do: its parameters are lists, one for each of
// theirs, and it returns the keys of the rows it wrote.
type bulk struct {
	*text
	key []int // positions of the key in the single statement's parameters
	// now is the position of the time in them, -1 if there is none. It is one value for all: the earliest.
	now int
}

// bulkOf is nil for a form that cannot be done in bulk. One row with a value that a unique index has would fail all.
func bulkOf(f *store.Form) *bulk {
	switch {
	case f.Act == store.Update && !indexed(f):
		return bulkUpdate(f)
	case f.Act == store.Insert && len(f.Layout.Unique) == 0:
		return bulkInsert(f.Layout)
	}
	return nil
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

// unnested reads parameters as the columns c1, c2 and so on of a table v, in the order of their numbers.
func unnested(kinds []store.Kind) string {
	lists, names := make([]string, len(kinds)), make([]string, len(kinds))
	for i, k := range kinds {
		lists[i] = "$" + strconv.Itoa(i+1) + "::" + listTypes[k]
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return "unnest(" + strings.Join(lists, ", ") + ") AS v(" + strings.Join(names, ", ") + ")"
}

// listTypes are the types of lists; JSON travels as text, since not every database has lists of it.
var listTypes = [...]string{
	store.Text: "text[]", store.Int: "bigint[]", store.Bool: "boolean[]", store.Time: "timestamptz[]", store.Bytes: "bytea[]", store.JSON: "text[]",
}

// column is the n-th column of v, of the type that its table's has.
func column(n int, k store.Kind) string {
	name := "v.c" + strconv.Itoa(n)
	if k == store.JSON {
		return "CAST(" + name + " AS json)"
	}
	return name
}

func kindOf(l *store.Layout, column string) store.Kind {
	return l.Kinds[slices.Index(l.Columns, column)]
}

func bulkUpdate(f *store.Form) *bulk {
	l := f.Layout
	out := &bulk{now: -1}
	var kinds []store.Kind
	var set, where []string
	add := func(k store.Kind) string {
		kinds = append(kinds, k)
		return column(len(kinds), k)
	}
	for _, c := range f.Set {
		set = append(set, c+" = "+add(kindOf(l, c)))
	}
	set = append(set, "rev = "+add(store.Int))
	for _, c := range l.Key {
		out.key = append(out.key, len(kinds))
		where = append(where, "t."+c+" = "+add(store.Text))
	}
	where = append(where, "t.rev = "+add(store.Int))
	out.text = &text{"UPDATE " + l.Table + " AS t SET " + strings.Join(set, ", ") + " FROM " + unnested(kinds) + " WHERE " + strings.Join(where, " AND ") +
		" RETURNING t." + strings.Join(l.Key, ", t.")}
	return out
}

func bulkInsert(l *store.Layout) *bulk {
	out := &bulk{now: -1}
	kinds := append(slices.Clone(l.Kinds), store.Int)
	values := make([]string, len(kinds))
	for i, k := range kinds {
		values[i] = column(i+1, k)
	}
	var replace []string
	for _, c := range append(slices.Clone(l.Columns), "rev") {
		if !slices.Contains(l.Key, c) {
			replace = append(replace, c+" = excluded."+c)
		}
	}
	for _, c := range l.Key {
		out.key = append(out.key, slices.Index(l.Columns, c))
	}
	conflict := "NOTHING"
	if l.Expiry != "" {
		out.now = len(kinds)
		conflict = "UPDATE SET " + strings.Join(replace, ", ") + " WHERE " + l.Table + "." + l.Expiry + " <= $" + strconv.Itoa(out.now+1)
	}
	out.text = &text{"INSERT INTO " + l.Table + " (" + strings.Join(l.Columns, ", ") + ", rev) SELECT " + strings.Join(values, ", ") + " FROM " + unnested(kinds) +
		" ON CONFLICT (" + strings.Join(l.Key, ", ") + ") DO " + conflict + " RETURNING " + strings.Join(l.Key, ", ")}
	return out
}

// keyOf joins the key in a single statement's arguments.
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

// lists turns the arguments of single statements into those of the bulk one.
func (k *bulk) lists(members []*member) []any {
	width := len(members[0].args())
	out := make([]any, width)
	for i := range width {
		if i == k.now {
			out[i] = earliest(members, i)
			continue
		}
		list := make([]any, len(members))
		for j, m := range members {
			list[j] = m.args()[i]
		}
		out[i] = list
	}
	return out
}

func earliest(members []*member, at int) any {
	first, _ := members[0].args()[at].(int64)
	for _, m := range members {
		if t, ok := m.args()[at].(int64); ok {
			first = min(first, t)
		}
	}
	return first
}
