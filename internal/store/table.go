package store

import (
	"fmt"
	"reflect"
	"sync"
)

// Spec declares a table.
type Spec struct {
	// Name of the SQL table: lower case, words joined by underscores, prefixed by the room where needed.
	Name string
	// Cached tables live in memory on every node: configuration, never per-token state.
	Cached bool
	// Packed is for cached tables of many rows, such as a directory's: a row takes little more memory than its text, is decoded
	// whenever it is read, and keeps its neighbours in memory as long as one of its strings is kept. Others are kept decoded as well.
	Packed  bool
	Indexes []Index
}

// Index is a lookup path beside the primary key. Its columns must be string fields. It is never changed under its name, by which programs
// of two versions on one database know it: Open refuses that.
type Index struct {
	Name    string
	Columns []string
	Unique  bool
	// Sparse leaves out rows whose last index column is empty.
	Sparse bool
}

// Definition is a table without its row type: what Open needs. *Table[T] implements it.
type Definition interface{ definition() *def }

// Table is the typed handle of one declared table. Declare it once, as a package variable; it holds no state.
//
// T's exported fields carry a tag `store:"column"`, `store:"column,key"` (the primary key's parts, in order, all
// strings) or `store:"column,expiry"` (one time.Time; zero = never). string, bool, int, int64, []byte and time.Time
// fields become plain columns; any other type a JSON text column; a field tagged "-" is left out. NewTable panics on a
// bad declaration.
//
// Strings must be valid UTF-8 without NUL: writing others is an error, looking them up finds nothing. Times keep
// microseconds and come back in UTC.
// Rows are values: slices and maps inside a row that was read are shared and must not be modified in place.
type Table[T any] struct {
	d     *def
	rooms sync.Pool // *T, in which rows are decoded
}

// NewTable declares a table.
func NewTable[T any](s Spec) *Table[T] {
	d, err := compile(s, reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("store: table %s: %v", s.Name, err))
	}
	return &Table[T]{d: d}
}

func (t *Table[T]) definition() *def { return t.d }

// Get returns the row with that primary key, or ErrNotFound.
func (t *Table[T]) Get(tx *Tx, key ...string) (T, error) {
	r, err := tx.get(t.d, key)
	if err != nil {
		var zero T
		return zero, err
	}
	return t.row(r)
}

// GetBy returns the one row with those values in a Unique index, or ErrNotFound.
func (t *Table[T]) GetBy(tx *Tx, index string, values ...string) (T, error) {
	r, err := tx.getBy(t.d, index, values)
	if err != nil {
		var zero T
		return zero, err
	}
	return t.row(r)
}

func (t *Table[T]) row(r cachedRow) (row T, err error) {
	if r.kept != nil {
		return *r.kept.(*T), nil
	}
	room, _ := t.rooms.Get().(*T)
	if room == nil {
		room = new(T)
	}
	err = t.d.decodeInto(reflect.ValueOf(room).Elem(), r.packed)
	row = *room
	var zero T
	*room = zero // which keeps nothing alive
	t.rooms.Put(room)
	return row, err
}

// Query selects rows in primary-key order.
type Query struct {
	// Index whose columns must all equal Values; with no Index, Values is a prefix of the primary key (may be empty).
	Index  string
	Values []string
	// After is the whole primary key of the last row already seen: stable paging under inserts.
	After []string
	// Limit is the most rows to return; 0 = all.
	Limit int
}

// List returns the rows the query selects, in primary-key order. In an uncached table it validates at commit the rows
// it returned, not the gaps between them.
func (t *Table[T]) List(tx *Tx, q Query) ([]T, error) {
	var out []T
	err := tx.list(t.d, q, func(r cachedRow) error {
		var zero T
		if out = append(out, zero); r.kept != nil {
			out[len(out)-1] = *r.kept.(*T)
			return nil
		}
		return t.d.decodeInto(reflect.ValueOf(&out[len(out)-1]).Elem(), r.packed)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Insert adds a row whose key must not exist (an expired row does not count). A collision returns an *ExistsError from
// Insert itself, at the latest when Update runs the function again.
func (t *Table[T]) Insert(tx *Tx, row T) error { return tx.insert(t.d, &row) }

// Put adds or replaces the row with row's primary key. If this transaction read the row, the commit fails over to a new
// run when it has changed since. A collision on a unique index is an *ExistsError.
func (t *Table[T]) Put(tx *Tx, row T) error { return tx.put(t.d, &row) }

// Delete removes the row, or returns ErrNotFound.
func (t *Table[T]) Delete(tx *Tx, key ...string) error { return tx.delete(t.d, key) }
