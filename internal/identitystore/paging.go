package identitystore

import (
	"strings"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// maxPage is both the most results a caller may ask for and what it gets when it does not say.
const maxPage = 100

// page is one request for a piece of a list.
type page struct {
	pages     *wire.Pages
	operation string
	scope     string
	after     []string
	size      int
}

// openPage opens a list request. scope is what the list is of; a token given for another list is refused.
func (s *Server) openPage(operation string, scope []string, maxResults *int, token *string) (page, error) {
	p := page{pages: s.Pages, operation: operation, scope: strings.Join(scope, "\n"), size: maxPage}
	if maxResults != nil {
		p.size = *maxResults
	}
	var err error
	p.after, err = s.Pages.Open(p.operation, p.scope, token)
	return p, err
}

// query asks for the page and one row more, which tells whether another page follows.
func (p page) query(index string, values ...string) store.Query {
	return store.Query{Index: index, Values: values, After: p.after, Limit: p.size + 1}
}

// cutPage takes that row off and makes the token that continues after the page.
func cutPage[T any](p page, rows []T, key func(T) []string) ([]T, *string) {
	if len(rows) <= p.size {
		return rows, nil
	}
	rows = rows[:p.size]
	return rows, p.pages.Seal(p.operation, p.scope, key(rows[p.size-1]))
}
