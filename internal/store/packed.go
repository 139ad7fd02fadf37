package store

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// packed is a row as SQL has it, its columns in order in one string: what a transaction has read or wants to write, and what
// hotRows remembers. A value is its length plus one, as a varint, and its bytes; NULL is a zero. Strings of a row decoded from
// it are parts of it.
type packed string

// cut takes off the first value; null says that it is SQL's NULL.
func (p packed) cut() (value string, null bool, rest packed) {
	n, at := uint64(p[0]&0x7f), 1
	for shift := 7; p[at-1] >= 0x80; shift += 7 {
		n |= uint64(p[at]&0x7f) << shift
		at++
	}
	if n == 0 {
		return "", true, p[at:]
	}
	end := at + int(n-1)
	return string(p[at:end]), false, p[end:]
}

func appendNull(dst []byte) []byte { return append(dst, 0) }

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))+1), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))+1), b...)
}

const numberSize = 8

func appendNumber(dst []byte, n int64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, numberSize+1), uint64(n))
}

// number is the value of an Int, a Time or a Bool.
func number(v string) int64 {
	_ = v[numberSize-1]
	return int64(uint64(v[0]) | uint64(v[1])<<8 | uint64(v[2])<<16 | uint64(v[3])<<24 |
		uint64(v[4])<<32 | uint64(v[5])<<40 | uint64(v[6])<<48 | uint64(v[7])<<56)
}

// appendSQL appends a value as a database gave it.
func (k Kind) appendSQL(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		if k == Time || k == Bytes {
			return appendNull(dst), nil
		}
	case string:
		if k == Text || k == JSON {
			return appendText(dst, v), nil
		}
	case int64:
		switch k {
		case Int, Time:
			return appendNumber(dst, v), nil
		case Bool:
			return appendTruth(dst, v != 0), nil
		}
	case bool:
		if k == Bool {
			return appendTruth(dst, v), nil
		}
	case []byte:
		if k == Bytes {
			return appendBytes(dst, v), nil
		}
	}
	return dst, fmt.Errorf("holds %T, not %s", value, kindNames[k])
}

var kindNames = [...]string{Text: "text", Int: "an integer", Bool: "a boolean", Time: "a time", Bytes: "bytes", JSON: "JSON text"}

func appendTruth(dst []byte, b bool) []byte {
	if b {
		return appendNumber(dst, 1)
	}
	return appendNumber(dst, 0)
}

// sql is a value as databases take it.
func (k Kind) sql(v string, null bool) any {
	switch {
	case null:
		return nil
	case k == Text:
		return v
	case k == JSON:
		if v == nullJSON {
			return nullJSON // a constant: most JSON columns hold nothing
		}
		return v
	case k == Bool:
		return number(v) != 0
	case k == Bytes:
		return append(make([]byte, 0, len(v)), v...)
	}
	return number(v)
}

// pack makes a row of what a query returned, without the version behind the columns.
func (d *def) pack(values []any) (packed, error) {
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	b := (*room)[:0]
	var err error
	for i := range d.columns {
		c := &d.columns[i]
		if b, err = c.kind.appendSQL(b, values[i]); err != nil {
			return "", fmt.Errorf("store: table %s: column %s: %w", d.spec.Name, c.name, err)
		}
	}
	*room = b
	return packed(b), nil
}

// packing are buffers in which rows are put together.
var packing = sync.Pool{New: func() any { return new([]byte) }}

// columnOf is one value of a packed row.
func (d *def) columnOf(p packed, column int) (v string, null bool) {
	for i := 0; ; i++ {
		if v, null, p = p.cut(); i == column {
			return v, null
		}
	}
}

// texts are the values of some Text columns of a packed row.
func (d *def) texts(p packed, columns []int) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i], _ = d.columnOf(p, c)
	}
	return out
}

// appendArgs appends the columns of a packed row that the set has, in order.
func (d *def) appendArgs(args []any, p packed, set columnSet) []any {
	for i := range d.columns {
		var v string
		var null bool
		if v, null, p = p.cut(); set.has(i) {
			args = append(args, d.columns[i].kind.sql(v, null))
		}
	}
	return args
}

// columnSet is some of a table's columns, a bit for each.
type columnSet uint64

const maxColumns = 64

func (s columnSet) has(column int) bool { return s>>column&1 != 0 }

func (s *columnSet) add(column int) { *s |= 1 << column }

func (s columnSet) list() (columns []int) {
	for i := range maxColumns {
		if s.has(i) {
			columns = append(columns, i)
		}
	}
	return columns
}

// changed are the columns in which two packed rows with one key differ.
func (d *def) changed(before, after packed) (set columnSet) {
	for i := range d.columns {
		var v, w string
		var vNull, wNull bool
		v, vNull, before = before.cut()
		w, wNull, after = after.cut()
		if v != w || vNull != wNull {
			set.add(i)
		}
	}
	return set
}
