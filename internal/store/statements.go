package store

import "context"

// Texts are all SQL texts that the kernel gives a backend of this dialect for these tables: the definitions, and the statements. They are for
// reviews by machine, such as whether every database in question understands them. Of statements whose number has no bound (an update of
// some columns, a list without some rows) there is each kind.
func Texts(d Dialect, tables []Definition) (definitions []string, statements []*Statement, err error) {
	all, err := compileTables(tables)
	if err != nil {
		return nil, nil, err
	}
	s := &schema{backend: nothing{}, dialect: d}
	if err := s.readMeta(context.Background()); err != nil {
		return nil, nil, err
	}
	statements = []*Statement{
		raiseFeed, insertChange, trimFeed, selectChanges, selectPlace, selectMeta, {SQL: "SELECT " + d.Clock, Columns: 1},
	}
	for _, t := range all {
		if err := s.table(context.Background(), t); err != nil {
			return nil, nil, err
		}
		columns := map[string]string{}
		for _, k := range t.layout.Key {
			columns[k] = d.Types[Text]
		}
		if err := s.expand(t, columns, t.layout.Key); err != nil {
			return nil, nil, err
		}
		statements = append(statements, t.statements()...)
	}
	return s.steps, statements, nil
}

// statements are those over one table.
func (t *sqlTable) statements() []*Statement {
	all := []*Statement{t.get, t.all, t.insert, t.upsert, t.remove, t.drop, t.countRev, t.countLive}
	if t.expiry >= 0 {
		all = append(all, t.sweep, t.countExpired, t.expiryAfter, t.countBetween)
	}
	for i := range t.indexes {
		all = append(all, t.byIndex[i], t.countByIndex[i])
		if drop := t.dropByIndex[i]; drop != nil {
			all = append(all, drop)
		}
	}
	if set := t.updatable(); set != 0 {
		for _, set := range append(single(set), set) {
			s, _ := t.update(set)
			all = append(all, s)
		}
	}
	for index := -1; index < len(t.indexes); index++ {
		prefixes := len(t.keys)
		if index >= 0 {
			prefixes = 0
		}
		for prefix := range prefixes + 1 {
			rest := len(t.keys) - prefix
			for _, s := range []listShape{
				{}, {after: rest}, {count: true}, {count: true, after: rest, upTo: rest > 0}, {count: true, upTo: rest > 0, not: 2},
			} {
				s.index, s.prefix = index, prefix
				all = append(all, t.list(s))
			}
		}
	}
	return all
}

// single are the sets of one column each.
func single(set columnSet) (sets []columnSet) {
	for _, i := range set.list() {
		var one columnSet
		one.add(i)
		sets = append(sets, one)
	}
	return sets
}

// nothing is a database without tables.
type nothing struct{ Backend }

func (nothing) Columns(context.Context, string) (map[string]string, []string, error) {
	return nil, nil, nil
}
