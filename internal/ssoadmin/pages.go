package ssoadmin

import (
	"strings"

	"github.com/symbolon/symbolon/internal/wire"
)

// listing is one page being answered: where it starts and how much it may hold.
type listing struct {
	pages     *wire.Pages
	operation string
	scope     string
	after     []string // primary key of the last row already seen; nil at the start
	limit     int
}

// listing opens a NextToken. The token is bound to the operation, to the caller's account and to the other parameters
// (bound), so it continues nothing but the listing it came from. Pages hold maxResults rows, or most when it is absent.
func (s *Server) listing(account, operation string, maxResults *int, most int, token *string, bound ...string) (listing, error) {
	l := listing{
		pages:     s.Pages,
		operation: operation,
		scope:     strings.Join(append([]string{account}, bound...), "\n"),
		limit:     most,
	}
	if maxResults != nil {
		l.limit = min(*maxResults, most)
	}
	var err error
	l.after, err = s.Pages.Open(operation, l.scope, token)
	return l, err
}

// more is how many rows to read: one beyond the page says that there is another page.
func (l listing) more() int { return l.limit + 1 }

// cut returns the rows of this page and the token of the next one. key is a row's whole primary key.
func cut[T any](l listing, rows []T, key func(T) []string) ([]T, *string) {
	if len(rows) <= l.limit {
		return rows, nil
	}
	rows = rows[:l.limit]
	return rows, l.pages.Seal(l.operation, l.scope, key(rows[l.limit-1]))
}

func keep[T any](rows []T, want func(T) bool) []T {
	var kept []T
	for _, r := range rows {
		if want(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// each is never nil: an empty list is sent as [].
func each[T, U any](rows []T, f func(T) U) []U {
	out := make([]U, 0, len(rows))
	for _, r := range rows {
		out = append(out, f(r))
	}
	return out
}
