package postgres

import (
	"strconv"
	"strings"
	"sync"

	"github.com/symbolon/symbolon/internal/store"
)

// text is one SQL text with numbered parameters. Connections prepare it once, by its address.
type text struct{ sql string }

// spellings are what is made of one statement of the kernel's.
type spellings struct {
	plain *text
	// guarded fails with a division by zero unless the statement comes to what it must; that number is its last parameter
	// where it has one. In a pipeline nothing else can stop what follows.
	guarded *text
	wants   bool // guarded has that parameter
	// clear removes what guarded has put in an absent key's place, and args are both texts' arguments; nil for other acts.
	clear *text
	args  func(args []any) (guard, clear []any)
}

// dictionary has the spellings of all statements that came, and of chains of them.
type dictionary struct {
	m      sync.Map // *store.Statement → *spellings
	chains sync.Map // chain → *bulk
}

func (d *dictionary) of(s *store.Statement) *spellings {
	if known, ok := d.m.Load(s); ok {
		return known.(*spellings)
	}
	known, _ := d.m.LoadOrStore(s, spell(s))
	return known.(*spellings)
}

func spell(s *store.Statement) *spellings {
	out := &spellings{plain: &text{numbered(s.SQL)}}
	n := strings.Count(s.SQL, "?")
	switch {
	case s.Form.Act == store.Absent:
		out.absent(&s.Form)
		return out
	case s.Form.Act == store.Hold:
		out.guarded = &text{guard("count(*)", n+1) + " FROM (" + held(&s.Form) + ") AS held"}
	case s.Columns > 0:
		out.guarded = &text{guard("counted.n", n+1) + " FROM (" + strings.Replace(out.plain.sql, "count(*)", "count(*) AS n", 1) + ") AS counted"}
	default:
		out.guarded = &text{"WITH done AS (" + out.plain.sql + " RETURNING 1) " + guard("count(*)", n+1) + " FROM done"}
	}
	out.wants = true
	return out
}

// numbered replaces each "?" by $1, $2 and so on. The kernel's texts hold no quoted question marks.
func numbered(sql string) string {
	var b strings.Builder
	n := 0
	for i := range len(sql) {
		if sql[i] == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteByte(sql[i])
	}
	return b.String()
}

// guard selects 1, or fails unless the expression is what the parameter says.
func guard(expression string, parameter int) string {
	return "SELECT 1 / (CASE WHEN " + expression + " = $" + strconv.Itoa(parameter) + " THEN 1 ELSE 0 END)"
}

// held locks the row that a Hold is about, so that it stays as it is until the commit.
func held(f *store.Form) string {
	return "SELECT 1 FROM " + f.Layout.Table + " WHERE " + equal(f.Match, 1) + " AND rev = $" + strconv.Itoa(len(f.Match)+1) + " FOR SHARE"
}

func equal(columns []string, first int) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c + " = $" + strconv.Itoa(first+i)
	}
	return strings.Join(parts, " AND ")
}
