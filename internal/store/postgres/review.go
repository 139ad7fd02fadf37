package postgres

import (
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// Texts are all SQL texts that come to the database for these tables, the kernel's and this room's own, save the settings
// of a connection that a database may refuse. They are for reviews by machine.
func Texts(tables []store.Definition) ([]string, error) {
	definitions, statements, err := store.Texts((&Backend{}).Dialect(), tables)
	if err != nil {
		return nil, err
	}
	own := []*text{beginView, showReadOnly, commitText, beginCommit, setSavepoint, endSavepoint, backSavepoint, setPatience, selectColumns, selectKeys}
	for _, s := range statements {
		spelled := spell(s)
		own = append(own, spelled.plain, spelled.guarded)
		if spelled.clear != nil {
			own = append(own, spelled.clear)
		}
		if f := s.Form; f.Act == store.Insert || f.Act == store.Update {
			own = append(own, bulkTexts(&f, statements)...)
		}
	}
	out := append(definitions, makeLock, seedLock, holdLock, "ROLLBACK")
	for _, d := range definitions {
		if _, online := arrangeDefinitions([]string{d}); len(online) > 0 {
			out = append(out, online[0].online()...)
		}
	}
	for _, t := range own {
		out = append(out, t.sql)
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out, nil
}

// bulkTexts are the bulk statements of one write, and of it with each other as the first of two.
func bulkTexts(f *store.Form, others []*store.Statement) (out []*text) {
	if k := bulkOf([]*store.Form{f}); k != nil {
		out = append(out, k.text)
	}
	for _, other := range others {
		if other.Form.Act != store.Insert || f.Act == store.Update && len(f.Set) > 1 {
			continue
		}
		if k := bulkOf([]*store.Form{f, &other.Form}); k != nil {
			out = append(out, k.text)
		}
	}
	return out
}
