package postgres

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"
)

// The type ids of PostgreSQL that are met, which its relatives share.
const (
	oidBool       = 16
	oidBytes      = 17
	oidInt8       = 20
	oidInt4       = 23
	oidText       = 25
	oidJSON       = 114
	oidBoolArray  = 1000
	oidBytesArray = 1001
	oidTextArray  = 1009
	oidInt8Array  = 1016
	oidTime       = 1184
	oidTimeArray  = 1185
	oidJSONB      = 3802
	formatText    = 0
	formatBinary  = 1
	nullLength    = 0xffffffff
	microsIn2000  = 946684800_000000                    // from 1970 to 2000, where PostgreSQL's time begins
	firstMicros   = -211813488000_000000 + microsIn2000 // 4713 BC, the first it has
)

// elements are the types of the arrays' elements.
var elements = map[uint32]uint32{
	oidBoolArray: oidBool, oidBytesArray: oidBytes, oidTextArray: oidText, oidInt8Array: oidInt8, oidTimeArray: oidTime,
}

// begin starts a message and returns where its length belongs.
func (c *conn) begin(kind byte) int {
	c.out = append(c.out, kind, 0, 0, 0, 0)
	return len(c.out) - 4
}

func (c *conn) end(at int) { binary.BigEndian.PutUint32(c.out[at:], uint32(len(c.out)-at)) }

func (c *conn) word(s string) { c.out = append(append(c.out, s...), 0) }

func (c *conn) sync() { c.out = append(c.out, 'S', 0, 0, 0, 4) }

// parse prepares a statement and asks what its parameters and columns are.
func (c *conn) parse(name, sql string) {
	at := c.begin('P')
	c.word(name)
	c.word(sql)
	c.out = append(c.out, 0, 0) // the types are the server's to infer
	c.end(at)
	at = c.begin('D')
	c.out = append(c.out, 'S')
	c.word(name)
	c.end(at)
}

// simple runs statements without parameters.
func (c *conn) simple(sql string) {
	at := c.begin('Q')
	c.word(sql)
	c.end(at)
}

// execute binds the arguments of a prepared statement and runs it. When it fails nothing was added.
func (c *conn) execute(p *prepared, args []any) error {
	if len(args) != len(p.params) {
		return fmt.Errorf("postgres: %d arguments for %d parameters of %s", len(args), len(p.params), p.sql)
	}
	start := len(c.out)
	at := c.begin('B')
	c.out = append(c.out, 0) // the unnamed portal
	c.word(p.name)
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(len(p.params)))
	for _, oid := range p.params {
		c.out = append(c.out, 0, format(oid))
	}
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(len(p.params)))
	for i, a := range args {
		if err := c.argument(p.params[i], a); err != nil {
			c.out = c.out[:start]
			return fmt.Errorf("postgres: parameter %d of %s: %w", i+1, p.sql, err)
		}
	}
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(len(p.columns)))
	for _, oid := range p.columns {
		c.out = append(c.out, 0, format(oid))
	}
	c.end(at)
	c.out = append(c.out, 'E', 0, 0, 0, 9, 0, 0, 0, 0, 0) // all rows of the unnamed portal
	return nil
}

// format is how values of a type travel.
func format(oid uint32) byte {
	switch oid {
	case oidBool, oidBytes, oidInt8, oidInt4, oidTime, oidBoolArray, oidBytesArray, oidTextArray, oidInt8Array, oidTimeArray:
		return formatBinary
	}
	return formatText
}

// argument adds one value with its length. An array is a []any.
func (c *conn) argument(oid uint32, value any) error {
	if value == nil {
		c.out = binary.BigEndian.AppendUint32(c.out, nullLength)
		return nil
	}
	at := len(c.out)
	c.out = append(c.out, 0, 0, 0, 0)
	if err := c.content(oid, value); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(c.out[at:], uint32(len(c.out)-at-4))
	return nil
}

func (c *conn) content(oid uint32, value any) error {
	switch v := value.(type) {
	case string:
		if format(oid) == formatText || oid == oidText {
			c.out = append(c.out, v...)
			return nil
		}
	case []byte:
		if oid == oidBytes {
			c.out = append(c.out, v...)
			return nil
		}
	case bool:
		if oid == oidBool {
			var b byte
			if v {
				b = 1
			}
			c.out = append(c.out, b)
			return nil
		}
	case int64:
		return c.integer(oid, v)
	case []any:
		return c.array(oid, v)
	}
	return fmt.Errorf("a %T does not fit type %d", value, oid)
}

func (c *conn) integer(oid uint32, v int64) error {
	switch oid {
	case oidInt8:
	case oidTime:
		if v < firstMicros {
			return fmt.Errorf("time %v is out of range", time.UnixMicro(v))
		}
		v -= microsIn2000
	case oidInt4:
		if int64(int32(v)) != v {
			return fmt.Errorf("%d is out of range", v)
		}
		c.out = binary.BigEndian.AppendUint32(c.out, uint32(v))
		return nil
	default:
		return fmt.Errorf("an integer does not fit type %d", oid)
	}
	c.out = binary.BigEndian.AppendUint64(c.out, uint64(v))
	return nil
}

func (c *conn) array(oid uint32, values []any) error {
	element, ok := elements[oid]
	if !ok {
		return fmt.Errorf("a list does not fit type %d", oid)
	}
	nulls := uint32(0)
	for _, v := range values {
		if v == nil {
			nulls = 1
		}
	}
	for _, word := range [...]uint32{1, nulls, element, uint32(len(values)), 1} { // dimensions, nulls, type, length, first index
		c.out = binary.BigEndian.AppendUint32(c.out, word)
	}
	for _, v := range values {
		if err := c.argument(element, v); err != nil {
			return err
		}
	}
	return nil
}

// value reads a column; the result shares nothing with raw.
func value(oid uint32, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	switch oid {
	case oidInt8, oidTime:
		if len(raw) != 8 {
			break
		}
		n := int64(binary.BigEndian.Uint64(raw))
		if oid == oidTime {
			n += microsIn2000
		}
		return n, nil
	case oidInt4:
		if len(raw) != 4 {
			break
		}
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case oidBool:
		if len(raw) != 1 {
			break
		}
		return raw[0] != 0, nil
	case oidBytes:
		return append(make([]byte, 0, len(raw)), raw...), nil
	default:
		if string(raw) == "null" { // the commonest JSON, as a constant
			return "null", nil
		}
		return string(raw), nil
	}
	return nil, fmt.Errorf("postgres: %d bytes for a value of type %d", len(raw), oid)
}

// affected is the number of rows that a command's tag ends with; 0 if there is none.
func affected(tag []byte) int64 {
	i := len(tag)
	for i > 0 && tag[i-1] >= '0' && tag[i-1] <= '9' {
		i--
	}
	n, err := strconv.ParseInt(string(tag[i:]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
