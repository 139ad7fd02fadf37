package postgres

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// absent checks that no live row has the values of Match, and keeps it so until the commit. There is no row to lock, so
// it makes one: whoever wants to make another with these values waits for this transaction. The row is removed at once;
// the wait remains. Where an expired row has the values, that row is locked: it would have to go first.
//
// If neither could be done, somebody else has just committed such a row, which this statement cannot see: the check fails
// and the next run of the transaction sees it.
func (out *spellings) absent(f *store.Form) {
	l := f.Layout
	columns, matched := placeholder(f)
	live := "TRUE"
	now := len(f.Match) + 1 // the number of the time's parameter
	next := now
	if l.Expiry != "" {
		live = "(" + l.Expiry + " IS NULL OR " + l.Expiry + " > $" + strconv.Itoa(now) + ")"
		next++
	}
	values := make([]string, len(columns))
	own := 0 // parameters of the placeholder's own
	for i := range columns {
		n := matched[i] + 1
		if matched[i] < 0 {
			n = next + own
			own++
		}
		values[i] = "$" + strconv.Itoa(n)
	}
	where := equal(f.Match, 1)
	if s := sparse(f); s != "" {
		where += " AND " + s + " <> ''"
	}
	out.guarded = &text{"WITH placed AS (INSERT INTO " + l.Table + " (" + strings.Join(columns, ", ") + ", rev) VALUES (" +
		strings.Join(values, ", ") + ", $" + strconv.Itoa(next+own) + ") ON CONFLICT DO NOTHING RETURNING 1), " +
		"held AS (SELECT " + live + " AS live FROM " + l.Table + " WHERE " + where + " FOR SHARE) " +
		"SELECT 1 / (CASE WHEN (SELECT count(*) FROM placed) + (SELECT count(*) FROM held) >= 1 " +
		"AND NOT EXISTS (SELECT 1 FROM held WHERE live) THEN 1 ELSE 0 END)"}
	out.clear = &text{"DELETE FROM " + l.Table + " WHERE " + equal(l.Key, 1) + " AND rev = $" + strconv.Itoa(len(l.Key)+1)}
	out.args = func(args []any) (guard, clear []any) {
		guard = slices.Clone(args)
		clear = make([]any, len(l.Key), len(l.Key)+1)
		for i, c := range columns {
			v := any(nil)
			if matched[i] >= 0 {
				v = args[matched[i]]
			} else {
				v = rand.Text()
				guard = append(guard, v)
			}
			if k := slices.Index(l.Key, c); k >= 0 {
				clear[k] = v
			}
		}
		return append(guard, placeholderRev), append(clear, placeholderRev)
	}
}

// placeholderRev is the version of rows that are made to be removed; the kernel's are positive.
const placeholderRev = int64(-1)

// placeholder lists the columns that a row in an absent one's place needs a value in, and for each its position in Match,
// -1 for one of its own: the key, and unique values that would otherwise collide with those of other placeholders.
func placeholder(f *store.Form) (columns []string, matched []int) {
	add := func(column string) {
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
			matched = append(matched, slices.Index(f.Match, column))
		}
	}
	for _, c := range f.Match {
		add(c)
	}
	for _, c := range f.Layout.Key {
		add(c)
	}
	for _, u := range f.Layout.Unique {
		if u.Sparse && !slices.Contains(columns, u.Columns[len(u.Columns)-1]) {
			continue // stays out of the index
		}
		for _, c := range u.Columns {
			add(c)
		}
	}
	return columns, matched
}

// sparse is the column that must not be empty for a row to be in the index that Match names.
func sparse(f *store.Form) string {
	for _, u := range f.Layout.Unique {
		if u.Sparse && slices.Equal(u.Columns, f.Match) {
			return u.Columns[len(u.Columns)-1]
		}
	}
	return ""
}
