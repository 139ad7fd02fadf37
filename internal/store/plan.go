package store

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a column, which each backend spells in its own way (Dialect).
type Kind uint8

// The kinds of columns. Times are microseconds since 1970 UTC, the zero time is NULL; a nil []byte is NULL and an empty
// one is not.
const (
	Text Kind = iota
	Int
	Bool
	Time
	Bytes
	JSON
)

// column is one field of a row type: how it is bound to and scanned from SQL.
type column struct {
	name string
	kind Kind
	key  bool
	codec
	field int
}

// def is a table's declaration, compiled once. It belongs to no database.
type def struct {
	spec    Spec
	rowType reflect.Type
	columns []column
	keys    []int
	expiry  int // -1: rows never expire
	indexes []indexDef
	// documents says that a column holds JSON that is decoded with the row.
	documents bool
}

type indexDef struct {
	Index
	columns []int
}

func compile(s Spec, t reflect.Type) (*def, error) {
	if s.Name == "" || !plainName(s.Name) {
		return nil, fmt.Errorf("table name %q must be lower case words joined by underscores", s.Name)
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("row type %v is not a struct", t)
	}
	d := &def{spec: s, rowType: t, expiry: -1}
	for i := range t.NumField() {
		if err := d.addField(t.Field(i), i); err != nil {
			return nil, err
		}
	}
	if len(d.keys) == 0 {
		return nil, errors.New("no field is tagged as key")
	}
	if len(d.columns) > maxColumns {
		return nil, fmt.Errorf("more than %d columns", maxColumns)
	}
	for _, x := range s.Indexes {
		if err := d.addIndex(x); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *def) addField(f reflect.StructField, i int) error {
	tag, ok := f.Tag.Lookup("store")
	if !f.IsExported() || tag == "-" {
		if ok && tag != "-" {
			return fmt.Errorf("field %s is tagged but not exported", f.Name)
		}
		return nil
	}
	name, option, _ := strings.Cut(tag, ",")
	if !plainName(name) || name == "rev" {
		return fmt.Errorf("field %s: %q is not a column name", f.Name, name)
	}
	if d.column(name) >= 0 {
		return fmt.Errorf("two fields have column %s", name)
	}
	c := column{name: name, field: i}
	c.kind, c.codec = codecOf(f.Type)
	switch option {
	case "":
	case "key":
		if c.kind != Text {
			return fmt.Errorf("key field %s must be a string", f.Name)
		}
		c.key = true
		d.keys = append(d.keys, len(d.columns))
	case "expiry":
		if c.kind != Time || d.expiry >= 0 {
			return fmt.Errorf("expiry field %s must be the only one and a time.Time", f.Name)
		}
		d.expiry = len(d.columns)
	default:
		return fmt.Errorf("field %s: unknown tag option %q", f.Name, option)
	}
	d.columns = append(d.columns, c)
	d.documents = d.documents || c.kind == JSON && !isLazy(f.Type)
	return nil
}

func (d *def) addIndex(x Index) error {
	if !plainName(x.Name) || len(x.Columns) == 0 || d.index(x.Name) >= 0 {
		return fmt.Errorf("index %q needs a name of its own and columns", x.Name)
	}
	ix := indexDef{Index: x}
	for _, name := range x.Columns {
		c := d.column(name)
		if c < 0 || d.columns[c].kind != Text {
			return fmt.Errorf("index %s: column %q is not a string field", x.Name, name)
		}
		ix.columns = append(ix.columns, c)
	}
	d.indexes = append(d.indexes, ix)
	return nil
}

// column is the position of a column, -1 if there is none.
func (d *def) column(name string) int {
	for i := range d.columns {
		if d.columns[i].name == name {
			return i
		}
	}
	return -1
}

func (d *def) index(name string) int {
	for i := range d.indexes {
		if d.indexes[i].Name == name {
			return i
		}
	}
	return -1
}

// encode packs a row (a pointer to the row type).
func (d *def) encode(row any) (packed, error) {
	v := reflect.ValueOf(row).Elem()
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	b := (*room)[:0]
	var err error
	for i := range d.columns {
		c := &d.columns[i]
		if b, err = c.codec.pack(b, v.Field(c.field)); err != nil {
			return "", fmt.Errorf("store: table %s: column %s: %w", d.spec.Name, c.name, err)
		}
	}
	*room = b
	return packed(b), nil
}

// decode makes a new row of a packed one and returns the pointer to it. Its strings are parts of the packed one.
func (d *def) decode(p packed) (any, error) {
	row := reflect.New(d.rowType)
	if err := d.decodeInto(row.Elem(), p); err != nil {
		return nil, err
	}
	return row.Interface(), nil
}

func (d *def) decodeInto(row reflect.Value, p packed) error {
	for i := range d.columns {
		var v string
		var null bool
		v, null, p = p.cut()
		if err := d.unpack(row, i, v, null); err != nil {
			return err
		}
	}
	return nil
}

// decodeToKeep is decode for a row that is kept: it keeps nothing alive but what it shows, no JSON text it was made of.
func (d *def) decodeToKeep(p packed) (any, error) {
	row := reflect.New(d.rowType)
	into := row.Elem()
	texts := d.allText(p)
	for i := range d.columns {
		var v string
		var null bool
		v, null, p = p.cut()
		switch d.columns[i].kind {
		case Text:
			v, texts = texts[:len(v)], texts[len(v):]
		case JSON:
			v = strings.Clone(v)
		}
		if err := d.unpack(into, i, v, null); err != nil {
			return nil, err
		}
	}
	return row.Interface(), nil
}

// allText is what the Text columns of a row hold, one after the other.
func (d *def) allText(p packed) string {
	var text strings.Builder
	for size := 0; ; { // once to measure and once to copy, so that no room is left over
		for i, rest := 0, p; i < len(d.columns); i++ {
			var v string
			if v, _, rest = rest.cut(); d.columns[i].kind != Text {
				continue
			}
			if text.Cap() == 0 {
				size += len(v)
			} else {
				text.WriteString(v)
			}
		}
		if text.Cap() > 0 || size == 0 {
			return text.String()
		}
		text.Grow(size)
	}
}

func (d *def) unpack(into reflect.Value, column int, v string, null bool) error {
	c := &d.columns[column]
	if err := c.codec.unpack(into.Field(c.field), v, null); err != nil {
		return fmt.Errorf("store: table %s: column %s: %w", d.spec.Name, c.name, err)
	}
	return nil
}

// key joins the primary key of a packed row; see joinKey.
func (d *def) key(p packed) string {
	if len(d.keys) == 1 {
		key, _ := d.columnOf(p, d.keys[0])
		return key
	}
	return joinKey(d.texts(p, d.keys))
}

// expiryOf is the expiry of a packed row in microseconds, or never.
func (d *def) expiryOf(p packed) int64 {
	if d.expiry < 0 {
		return never
	}
	if t, null := d.columnOf(p, d.expiry); !null {
		return number(t)
	}
	return never
}

// never is the expiry of rows that do not expire.
const never = math.MaxInt64

// joinKey makes one string of key parts that sorts as the parts do, one after the other. Text holds no NUL, so NUL can
// separate: it sorts before everything else.
func joinKey(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts, "\x00")
}

// keyRoom is the length of keys up to which looking one up in a replica costs no allocation.
const keyRoom = 192

// appendKey is joinKey without a string.
func appendKey(dst []byte, parts []string) []byte {
	for i, p := range parts {
		if i > 0 {
			dst = append(dst, 0)
		}
		dst = append(dst, p...)
	}
	return dst
}

// compareKey says how the key of a packed row stands to a joined key.
func (d *def) compareKey(p packed, key string) int {
	for i, c := range d.keys {
		part, _ := d.columnOf(p, c)
		if i > 0 {
			if key == "" {
				return 1
			}
			if key[0] != 0 {
				return -1
			}
			key = key[1:]
		}
		n := min(len(part), len(key))
		if c := strings.Compare(part[:n], key[:n]); c != 0 {
			return c
		}
		if len(part) > n {
			return 1
		}
		key = key[n:]
	}
	return -min(1, len(key))
}

// has says whether a packed row has the values in those columns.
func (d *def) has(p packed, columns []int, values []string) bool {
	for i, c := range columns {
		if v, _ := d.columnOf(p, c); v != values[i] {
			return false
		}
	}
	return true
}

func splitKey(key string) []string { return strings.Split(key, "\x00") }

func validText(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

func invalidText(s string) bool { return !validText(s) }

func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
