package store

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// member is a row with a two-part key, indexes of all kinds, and an expiry.
type member struct {
	Realm string         `store:"realm,key"`
	ID    string         `store:"id,key"`
	Name  string         `store:"name"`
	Email string         `store:"email"`
	Count int            `store:"count"`
	More  Lazy[[]string] `store:"more"`
	Until time.Time      `store:"until,expiry"`
}

var memberIndexes = []Index{
	{Name: "name", Columns: []string{"realm", "name"}, Unique: true},
	{Name: "email", Columns: []string{"email"}, Sparse: true},
	{Name: "count_of", Columns: []string{"realm"}},
}

var (
	packedMembers = NewTable[member](Spec{Name: "packed_members", Cached: true, Packed: true, Indexes: memberIndexes})
	keptMembers   = NewTable[member](Spec{Name: "kept_members", Cached: true, Indexes: memberIndexes})
)

func (m member) key() string { return m.Realm + "\x00" + m.ID }

// cachedModel is a table and what it should hold.
type cachedModel struct {
	table *Table[member]
	rows  cachedTable
	want  map[string]member
}

func newCachedModel(t *Table[member]) *cachedModel {
	return &cachedModel{table: t, rows: cachedTable{def: t.d, indexes: make([]slotSet, len(t.d.indexes))}, want: map[string]member{}}
}

// copy is what a reader has who does not see what comes.
func (m *cachedModel) copy() *cachedModel {
	c := &cachedModel{m.table, m.rows, maps.Clone(m.want)}
	c.rows.indexes = slices.Clone(m.rows.indexes)
	return c
}

func (m *cachedModel) put(e *edit, row member) error {
	p, err := m.table.d.encode(&row)
	if err != nil {
		return err
	}
	r, err := m.table.d.keep(p)
	if err != nil {
		return err
	}
	m.rows.put(e, row.key(), r)
	m.want[row.key()] = row
	return nil
}

func (m *cachedModel) delete(e *edit, key string) {
	m.rows.delete(e, key)
	delete(m.want, key)
}

func same(a, b member) bool {
	x, _ := a.More.Get()
	y, _ := b.More.Get()
	return a.key() == b.key() && a.Name == b.Name && a.Email == b.Email && a.Count == b.Count && a.Until.Equal(b.Until) && slices.Equal(x, y)
}

// check compares the whole table, each way to find a row, with the model.
func (m *cachedModel) check() error {
	keys := slices.Sorted(maps.Keys(m.want))
	if err := m.walk("all", &m.rows.inOrder, inKeyOrder, "", keys, func(member) bool { return true }); err != nil {
		return err
	}
	byEmail := map[string][]string{}
	for _, key := range keys {
		w := m.want[key]
		byEmail[w.Email] = append(byEmail[w.Email], key)
		if got, err := m.table.row(m.rows.get([]string{w.Realm, w.ID})); err != nil || !same(got, w) {
			return fmt.Errorf("%q is %+v, want %+v (%v)", key, got, w, err)
		}
		if r := m.rows.unique(0, []string{w.Realm, w.Name}, math.MinInt64); m.table.d.key(r.packed) != key {
			return fmt.Errorf("name %q finds %q, want %q", w.Name, r.packed, key)
		}
	}
	for email, want := range byEmail {
		if email == "" {
			want = nil // left out
		}
		of := func(r member) bool { return r.Email == email }
		for _, start := range []string{"", "a\x002", "b\x001\x00", "zz"} {
			i, _ := slices.BinarySearch(want, start)
			if err := m.walk("email "+email, &m.rows.indexes[1], hashParts([]string{email}), start, want[i:], of); err != nil {
				return err
			}
		}
	}
	for _, absent := range [][]string{{"a", "absent"}, {"", ""}, {"a"}} {
		if len(absent) == 2 && m.rows.get(absent).there() {
			return fmt.Errorf("%q is there", absent)
		}
	}
	return nil
}

func (m *cachedModel) walk(what string, s *slotSet, hash uint32, start string, want []string, is func(member) bool) error {
	var got []string
	var failure error
	s.from(&m.rows, hash, start, func(at slot) bool {
		row, err := m.table.row(m.rows.rows.get(at))
		if err != nil {
			failure = err
		}
		if is(row) {
			got = append(got, row.key())
		}
		return true
	})
	if failure == nil && !slices.Equal(got, want) {
		failure = fmt.Errorf("%s from %q has %q, want %q", what, start, got, want)
	}
	return failure
}

func drawMember(t *rapid.T) member {
	n := rapid.IntRange(0, 300).Draw(t, "id")
	return member{
		Realm: rapid.SampledFrom([]string{"a", "b", "b!"}).Draw(t, "realm"), ID: fmt.Sprint(n), Name: fmt.Sprint("name ", n),
		Email: rapid.SampledFrom([]string{"", "x@y", "many@of.them"}).Draw(t, "email"), Count: rapid.Int().Draw(t, "count"),
		More: LazyOf(slices.Repeat([]string{"more"}, rapid.IntRange(0, 3).Draw(t, "more"))),
	}
}

// TestCachedTable compares tables, and copies taken of them on the way, with maps.
func TestCachedTable(t *testing.T) {
	for name, table := range map[string]*Table[member]{"packed": packedMembers, "kept": keptMembers} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				live := newCachedModel(table)
				var kept []*cachedModel
				e := &edit{}
				for range rapid.IntRange(0, 1000).Draw(t, "steps") {
					row := drawMember(t)
					switch rapid.IntRange(0, 9).Draw(t, "what") {
					case 0:
						kept = append(kept, live.copy())
						e = &edit{}
					case 1, 2, 3:
						live.delete(e, row.key())
					default:
						if err := live.put(e, row); err != nil {
							t.Fatal(err)
						}
					}
				}
				for _, m := range append(kept, live) {
					if err := m.check(); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

// TestCachedTableBeside: who reads copies is not disturbed by who writes on.
func TestCachedTableBeside(t *testing.T) {
	var published atomic.Pointer[cachedModel]
	live := newCachedModel(packedMembers)
	published.Store(live.copy())
	var stop atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !stop.Load() {
				if err := published.Load().check(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 600 {
		e := &edit{}
		for i := range 5 {
			id := (n*7 + i*131) % 200
			row := member{Realm: "a", ID: fmt.Sprint(id), Name: fmt.Sprint(id), Email: fmt.Sprint(n%3, "@x"), Count: n}
			if n%3 == 2 {
				live.delete(e, row.key())
			} else if err := live.put(e, row); err != nil {
				t.Fatal(err)
			}
		}
		published.Store(live.copy())
	}
	stop.Store(true)
	readers.Wait()
}

// TestCachedTableGivesBack: slots and text of deleted rows are used again.
func TestCachedTableGivesBack(t *testing.T) {
	m := newCachedModel(packedMembers)
	for n := range 5000 {
		e := &edit{}
		if err := m.put(e, member{Realm: "a", ID: fmt.Sprint(n), Name: fmt.Sprint(n), Email: "a@b"}); err != nil {
			t.Fatal(err)
		}
		m.delete(e, fmt.Sprint("a\x00", n-40))
	}
	text := 0
	for _, p := range m.rows.rows.pages {
		text += len(p.text)
	}
	if pages := len(m.rows.rows.pages); pages > 3 || text > 40*100 {
		t.Errorf("40 rows take %d pages with %d bytes", pages, text)
	}
	if err := m.check(); err != nil {
		t.Error(err)
	}
}

// TestSlotSetCollisions: rows of one hash that differ in what was hashed are told apart.
func TestSlotSetCollisions(t *testing.T) {
	m := newCachedModel(packedMembers)
	e := &edit{}
	for n := range 300 {
		if err := m.put(e, member{Realm: "a", ID: fmt.Sprintf("%03d", n), Name: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	var s slotSet
	for n := 299; n >= 0; n-- { // all of two hashes
		key := fmt.Sprintf("a\x00%03d", n)
		at, _ := m.rows.find(key)
		s.add(e, &m.rows, uint32(n%2), key, at)
	}
	for hash := range uint32(2) {
		n := int(hash)
		s.having(hash, func(at slot) bool {
			if got := m.table.d.key(m.rows.rows.get(at).packed); got != fmt.Sprintf("a\x00%03d", n) {
				t.Fatalf("hash %d has %q, want %d", hash, got, n)
			}
			n += 2
			return true
		})
		if n < 300 {
			t.Errorf("hash %d ends at %d", hash, n)
		}
	}
	for n := range 300 {
		s.delete(e, &m.rows, uint32(n%2), fmt.Sprintf("a\x00%03d", n))
		s.delete(e, &m.rows, uint32(n%2), "a\x00absent")
	}
	if len(s.leaves) != 0 || len(s.firsts) != 0 {
		t.Errorf("%d leaves are left", len(s.leaves))
	}
	s.having(0, func(slot) bool { t.Error("something is in nothing"); return false })
}

// TestCompareKey: packed keys stand to joined ones as joined ones do.
func TestCompareKey(t *testing.T) {
	parts := []string{"", "a", "ab", "a!", "b", "\x01", "é"}
	var rows []member
	for _, realm := range parts {
		for _, id := range parts {
			rows = append(rows, member{Realm: realm, ID: id})
		}
	}
	for _, a := range rows {
		p, err := packedMembers.d.encode(&a)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range rows {
			for _, key := range []string{b.key(), b.key() + "\x00", b.Realm} {
				if got, want := packedMembers.d.compareKey(p, key), strings.Compare(a.key(), key); got != want {
					t.Fatalf("%q to %q is %d, want %d", a.key(), key, got, want)
				}
			}
		}
	}
}

// TestLazy: what a Lazy holds is the same whether it comes from the database or not, and is decoded when asked for.
func TestLazy(t *testing.T) {
	for _, want := range [][]string{nil, {}, {"a", `"b"`}} {
		row := member{Realm: "a", ID: "1", More: LazyOf(want)}
		p, err := packedMembers.d.encode(&row)
		if err != nil {
			t.Fatal(err)
		}
		for _, read := range []cachedRow{{packed: p}, must(keptMembers.d.keep(p))} {
			got, err := packedMembers.row(read)
			if err != nil {
				t.Fatal(err)
			}
			list, err := got.More.Get()
			if err != nil || !slices.Equal(list, want) || (list == nil) != (want == nil) {
				t.Errorf("%q came back as %q, %v", want, list, err)
			}
			again, err := packedMembers.d.encode(&got)
			if err != nil || again != p {
				t.Errorf("%q is packed as %q at first and %q again, %v", want, p, again, err)
			}
		}
	}
	var zero member
	if list, err := zero.More.Get(); list != nil || err != nil {
		t.Errorf("the zero value holds %q, %v", list, err)
	}
	bad := Lazy[[]string]{text: `{"a":1}`}
	if list, err := bad.Get(); err == nil {
		t.Errorf("an object is a list: %q", list)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestLazyForms: the text of an older program counts as the same value, and stays as it is.
func TestLazyForms(t *testing.T) {
	type name struct {
		Given  string
		Family *string
		More   []string
	}
	older := Lazy[name]{text: `{"Given":"","Family":null,"More":null}`}
	if !older.Equal(LazyOf(name{})) || older.Equal(LazyOf(name{More: []string{}})) || !LazyOf(name{}).Equal(Lazy[name]{}) {
		t.Error("equal values are told apart by their texts")
	}
	if text, err := older.appendText(nil); err != nil || !strings.Contains(string(text), "null") {
		t.Errorf("an untouched text is written as %q, %v", text, err)
	}
	empty := ""
	full := LazyOf(name{"a", &empty, []string{}})
	text, err := full.appendText(nil)
	if err != nil {
		t.Fatal(err)
	}
	value, _, _ := packed(text).cut()
	if back, err := (Lazy[name]{text: value}).Get(); err != nil || back.Family == nil || back.More == nil || !full.Equal(Lazy[name]{text: value}) {
		t.Errorf("came back as %+v, %v", back, err)
	}
}
