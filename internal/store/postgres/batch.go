package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/store"
)

// batch is the plan for a slice of commits: what is done in bulk, what alone, and what with care.
//
// A member of one write that is conditional in itself needs no care: it does what it must or nothing. Others run between
// savepoints, and every step that does not come to what it must fails, which takes the member back and leaves the rest:
// in a pipeline nobody can look before the next step.
type batch struct {
	words    *dictionary
	all      []*member
	plain    []*order  // in bulk or alone
	careful  []*member // in their order
	patience string    // for each lock, if not the connection's
	ops      []op      // what was written, in order
	culprit  *member   // whose values cannot be sent
}

// member is one commit of a batch.
type member struct {
	*store.Commit
	args []any  // of all its steps
	key  string // of its first row, in bulk
}

// order is one statement that does the whole work of some members.
type order struct {
	text    *text
	bulk    *bulk // nil for one member
	members []*member
}

// op is one statement of the pipeline, or a sync.
type op struct {
	kind   opKind
	order  *order
	member *member
	step   int
}

type opKind uint8

const (
	opFrame opKind = iota // begin, savepoint, commit
	opOrder               // members' whole work
	opGuard               // a step of a careful member that fails unless it comes to what it must
	opCount               // a step that may affect any number of rows
	opSync
	opCommit
)

var (
	beginCommit   = &text{"BEGIN"}
	setSavepoint  = &text{"SAVEPOINT m"}
	endSavepoint  = &text{"RELEASE SAVEPOINT m"}
	backSavepoint = &text{"ROLLBACK TO SAVEPOINT m"}
	setPatience   = &text{"SELECT set_config('lock_timeout', $1, true)"}
)

func (b *Backend) newBatch(commits []*store.Commit, carefully bool) *batch {
	t := &batch{words: &b.texts}
	groups := map[*bulk]*order{}
	for _, c := range commits {
		m := &member{Commit: c}
		c.Outcome = store.Outcome{}
		t.all = append(t.all, m)
		if len(commits) == 1 && len(c.Steps) == 1 && !c.Steps[0].Check {
			t.plain = append(t.plain, t.single(m))
			continue
		}
		if k := b.texts.bulk(c.Steps); k != nil && !carefully {
			t.join(groups, k, m)
			continue
		}
		t.careful = append(t.careful, m)
	}
	if carefully && len(t.careful) > 0 {
		t.patience = fmt.Sprintf("%dms", max(1, carefulLimit.Milliseconds()/int64(len(t.careful))))
	}
	t.arrange()
	return t
}

// single is the order of a member that is one statement and goes by itself.
func (t *batch) single(m *member) *order {
	m.args = m.Steps[0].Args
	return &order{text: t.words.of(m.Steps[0].Statement).plain, members: []*member{m}}
}

// join puts a member into the order of its like.
func (t *batch) join(groups map[*bulk]*order, k *bulk, m *member) {
	if m.args = m.Steps[0].Args; len(m.Steps) > 1 {
		m.args = slices.Clone(m.args)
		for i := range m.Steps[1:] {
			m.args = append(m.args, m.Steps[i+1].Args...)
		}
	}
	m.key = k.keyOf(m.args)
	g := groups[k]
	if g == nil {
		g = &order{text: k.text, bulk: k}
		groups[k] = g
		t.plain = append(t.plain, g)
	}
	g.members = append(g.members, m)
}

// arrange sorts tables and rows, so that batches which meet the same rows take them in the same order, and sets apart what
// cannot go in bulk: the second member for one row must see what became of the first.
func (t *batch) arrange() {
	slices.SortStableFunc(t.plain, func(a, b *order) int { return strings.Compare(a.text.sql, b.text.sql) })
	var again []*order
	for i, g := range t.plain {
		slices.SortStableFunc(g.members, func(a, b *member) int { return strings.Compare(a.key, b.key) })
		kept := g.members[:0:0]
		for _, m := range g.members {
			switch {
			case g.bulk == nil || len(kept) == 0 || kept[len(kept)-1].key != m.key:
				kept = append(kept, m)
			case len(m.Steps) == 1:
				again = append(again, t.single(m))
			default:
				t.careful = append(t.careful, m)
			}
		}
		if g.members = kept; len(kept) == 1 && len(kept[0].Steps) == 1 {
			t.plain[i] = t.single(kept[0])
		}
	}
	t.plain = append(t.plain, again...)
}

// alone says that one statement is all, which needs no transaction around it.
func (t *batch) alone() bool { return len(t.plain) == 1 && len(t.careful) == 0 }

// savepoints says that careful members must not touch each other or the rest.
func (t *batch) savepoints() bool {
	return len(t.careful) > 1 || len(t.careful) == 1 && len(t.plain) > 0
}

// texts are what the connection must know.
func (t *batch) texts() []*text {
	out := []*text{beginCommit, commitText}
	if t.savepoints() {
		out = append(out, setSavepoint, endSavepoint, backSavepoint)
	}
	if t.patience != "" {
		out = append(out, setPatience)
	}
	for _, o := range t.plain {
		out = append(out, o.text)
	}
	for _, m := range t.careful {
		for i := range m.Steps {
			s := t.words.of(m.Steps[i].Statement)
			switch {
			case m.Steps[i].Want < 0:
				out = append(out, s.plain)
			case s.clear != nil:
				out = append(out, s.guarded, s.clear)
			default:
				out = append(out, s.guarded)
			}
		}
	}
	return out
}

// write builds the pipeline.
func (t *batch) write(c *conn) error {
	w := &writer{conn: c, batch: t}
	if !t.alone() {
		w.add(op{}, beginCommit, nil)
	}
	if t.patience != "" {
		w.add(op{}, setPatience, []any{t.patience})
	}
	for _, o := range t.plain {
		args := o.members[0].args
		if o.bulk != nil {
			args = o.bulk.lists(o.members)
		}
		if w.at = nil; len(o.members) == 1 {
			w.at = o.members[0]
		}
		w.add(op{kind: opOrder, order: o}, o.text, args)
	}
	if t.savepoints() {
		w.add(op{}, setSavepoint, nil)
		w.sync()
	}
	for _, m := range t.careful {
		w.member(m)
		if t.savepoints() {
			// After a member that succeeded the savepoint is behind it, and going back to it does nothing.
			w.add(op{}, endSavepoint, nil)
			w.add(op{}, setSavepoint, nil)
			w.sync()
			w.add(op{}, backSavepoint, nil)
			w.sync()
		}
	}
	if !t.alone() {
		w.add(op{kind: opCommit}, commitText, nil)
	}
	w.sync()
	if w.err != nil {
		t.culprit = w.at
	}
	return w.err
}

// writer adds statements to a pipeline until one cannot be.
type writer struct {
	*conn
	batch *batch
	at    *member // whose steps are added, if it is one's
	err   error
}

func (w *writer) add(o op, t *text, args []any) {
	if w.err == nil {
		if w.err = w.execute(w.prepared[t], args); w.err != nil {
			return
		}
		w.batch.ops = append(w.batch.ops, o)
	}
}

func (w *writer) sync() {
	if w.err != nil {
		return
	}
	w.conn.sync()
	w.batch.ops = append(w.batch.ops, op{kind: opSync})
}

// member adds the steps of a careful member.
func (w *writer) member(m *member) {
	w.at = m
	for i := range m.Steps {
		step := &m.Steps[i]
		s := w.texts.of(step.Statement)
		switch {
		case step.Want < 0:
			w.add(op{kind: opCount, member: m, step: i}, s.plain, step.Args)
		case s.clear != nil:
			guard, clear := s.args(step.Args)
			w.add(op{kind: opGuard, member: m, step: i}, s.guarded, guard)
			w.add(op{kind: opGuard, member: m, step: i}, s.clear, clear)
		default:
			args := append(slices.Clip(step.Args), step.Want)
			w.add(op{kind: opGuard, member: m, step: i}, s.guarded, args)
		}
	}
}

// read takes the replies and sets the outcomes. An error means that nothing was applied, or that the connection is lost.
func (t *batch) read(c *conn) error {
	var first error // the one that matters if all is rolled back
	skip := false
	committed := t.alone()
	for _, o := range t.ops {
		if o.kind == opSync {
			err := c.ready()
			if errors.Is(err, errLost) {
				return err
			}
			if !skip {
				first = errors.Join(first, err)
			}
			skip = false
			continue
		}
		if skip {
			continue
		}
		err := t.reply(c, o)
		if errors.Is(err, errLost) {
			return err
		}
		if err != nil {
			skip = true
			if o.kind == opOrder && o.order.bulk == nil && len(t.all) == 1 && own(err) {
				t.all[0].Outcome = outcomeOf(0, err)
			} else if o.member == nil || code(err) == serialization {
				first = errors.Join(first, err)
			} else {
				o.member.Outcome = outcomeOf(o.step, err)
			}
		}
		if o.kind == opCommit && err == nil {
			committed = !c.rolledBack
		}
	}
	return t.verdict(committed, first)
}

// verdict judges a batch of which all replies are read.
func (t *batch) verdict(committed bool, first error) error {
	if first != nil {
		return first
	}
	if !committed {
		if len(t.careful) == 1 && t.careful[0].Outcome.Verdict != store.Applied {
			return nil // it alone was in the transaction
		}
		return errRolledBack
	}
	return nil
}

var errRolledBack = errors.New("the database rolled the transaction back")

// reply reads one statement's reply.
func (t *batch) reply(c *conn, o op) error {
	if o.kind != opOrder {
		n, err := c.reply(nil)
		if err != nil || o.member == nil || o.member.Steps[o.step].Check {
			return err
		}
		if o.kind == opGuard {
			n = o.member.Steps[o.step].Want
		}
		o.member.Outcome.Rows = n
		return nil
	}
	if o.order.bulk == nil {
		n, err := c.reply(nil)
		o.order.members[0].came(n)
		return err
	}
	done := make(map[string]bool, len(o.order.members))
	_, err := c.reply(func(key [][]byte) error {
		done[o.order.bulk.joined(key)] = true
		return nil
	})
	for _, m := range o.order.members {
		if n := int64(0); done[m.key] {
			m.came(n + 1)
		} else {
			m.came(n)
		}
	}
	return err
}

// came sets the outcome of a member whose one write affected n rows.
func (m *member) came(n int64) {
	m.Outcome = store.Outcome{Rows: n}
	if want := m.Steps[0].Want; want >= 0 && n != want {
		m.Outcome = store.Outcome{Verdict: store.Lost}
	}
}
