package token

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// packer appends the fields of a token in a compact form, each method in the manner of append. Readers must read the same fields in the
// same order.
type packer []byte

func (p packer) byte(b byte) packer     { return append(p, b) }
func (p packer) raw(b []byte) packer    { return append(p, b...) }
func (p packer) uint32(n uint32) packer { return binary.BigEndian.AppendUint32(p, n) }
func (p packer) number(n uint64) packer { return binary.AppendUvarint(p, n) }

// seconds writes a time with second precision; the zero time stays zero.
func (p packer) seconds(t time.Time) packer {
	if t.IsZero() {
		return p.number(0)
	}
	return p.number(uint64(max(t.Unix(), 0)) + 1)
}

// The forms of a text: as it is, or as the bytes it spells.
const (
	formText = iota
	formBase64URL
	formUUID
)

// text writes a string. What spells bytes canonically (our random ids, lower-case UUIDs) is written as those bytes.
func (p packer) text(s string) packer {
	if len(s) == 36 && s[8] == '-' {
		if b, ok := parseUUID(s); ok {
			return p.number(16<<2 | formUUID).raw(b[:])
		}
	}
	if len(s) == 22 || len(s) == 86 { // 16 and 64 bytes: session and credential ids
		if b, err := appendBase64URL(p.number(uint64(base64URL.DecodedLen(len(s)))<<2|formBase64URL), s); err == nil {
			return b
		}
	}
	return append(p.number(uint64(len(s))<<2), s...) // formText is 0
}

func (p packer) texts(list []string) packer {
	p = p.number(uint64(len(list)))
	for _, s := range list {
		p = p.text(s)
	}
	return p
}

func (p packer) session(s Session) packer { return p.text(s.ID).texts(s.Ancestors) }

// unpacker reads what a packer wrote. After any fault all reads give zero and close reports it.
type unpacker struct {
	b      []byte
	s      string // what b holds from the first text on, of which the texts are parts
	failed bool
}

var errMalformed = errors.New("malformed")

// close says whether all was read and nothing is left.
func (u *unpacker) close() error {
	if u.failed || len(u.b) != 0 {
		return errMalformed
	}
	return nil
}

func (u *unpacker) take(n uint64) []byte {
	if u.failed || n > uint64(len(u.b)) {
		u.failed = true
		return nil
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) uint32() uint32 {
	if b := u.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.failed = true
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) seconds() time.Time {
	n := u.number()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n-1), 0).UTC()
}

func (u *unpacker) text() string {
	n := u.number()
	b := u.take(n >> 2)
	if u.failed {
		return ""
	}
	switch n & 3 {
	case formText:
		return u.part(b)
	case formBase64URL:
		return encodeBase64URL(b)
	case formUUID:
		if len(b) == 16 {
			return formatUUID([16]byte(b))
		}
	}
	u.failed = true
	return ""
}

// part is b, just taken, as a string.
func (u *unpacker) part(b []byte) string {
	end := len(u.s) - len(u.b)
	if end < len(b) { // the first text
		u.s = string(b[:len(b)+len(u.b)])
		end = len(b)
	}
	return u.s[end-len(b) : end]
}

func (u *unpacker) texts() []string {
	n := u.number()
	if n == 0 {
		return nil
	}
	if n > uint64(len(u.b)) { // each takes at least a byte: no allocation that the input has not paid for
		u.failed = true
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, u.text())
	}
	return list
}

func (u *unpacker) session() Session { return Session{ID: u.text(), Ancestors: u.texts()} }

// parseUUID reads a UUID in its one canonical spelling: lower case, with hyphens.
func parseUUID(s string) (u [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	n := 0
	for i := range len(s) {
		d := strings.IndexByte("0123456789abcdef", s[i])
		switch {
		case d >= 0 && n < 32:
			u[n/2] = u[n/2]<<4 | byte(d)
			n++
		case s[i] != '-':
			return u, false
		}
	}
	return u, n == 32
}

func formatUUID(u [16]byte) string {
	var s [36]byte
	hex.Encode(s[:8], u[:4])
	hex.Encode(s[9:13], u[4:6])
	hex.Encode(s[14:18], u[6:8])
	hex.Encode(s[19:23], u[8:10])
	hex.Encode(s[24:], u[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

var (
	base64URL = base64.RawURLEncoding.Strict()
	base64Std = base64.StdEncoding.Strict()
)

// decodeBase64URL decodes the one canonical spelling of bytes: no padding, no line ends (which package base64 skips
// silently), trailing bits zero.
func decodeBase64URL(s string) ([]byte, error) { return decodeCanonical(base64URL, nil, s) }

// appendBase64URL is decodeBase64URL behind dst, which it gives back as it was where s is not canonical.
func appendBase64URL(dst []byte, s string) ([]byte, error) { return decodeCanonical(base64URL, dst, s) }

func decodeCanonical(enc *base64.Encoding, dst []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return dst, errMalformed
	}
	var room tokenRoom // where []byte(s) would be on the heap
	b, err := enc.AppendDecode(dst, append(room[:0], s...))
	if err != nil {
		return dst, errMalformed
	}
	return b, nil
}
