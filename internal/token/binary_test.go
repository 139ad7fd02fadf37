package token

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPackedTexts(t *testing.T) {
	for _, c := range []struct {
		s    string
		size int // the bytes it takes
	}{
		{"", 1}, {"openid", 7},
		{"93445892-f001-7078-8c38-7f2b978f686f", 17}, // a UUID as 16 bytes
		{"93445892-F001-7078-8c38-7f2b978f686f", 38}, // not its canonical spelling
		{"93445892-f001-7078-8c38_7f2b978f686f", 38},
		{"AAAAAAAAAAAAAAAAAAAAAA", 17}, // 16 bytes in base64url
		{"AAAAAAAAAAAAAAAAAAAAAB", 23}, // its last bits are not zero
	} {
		var p packer
		p = p.text(c.s)
		if len(p) != c.size {
			t.Errorf("%q takes %d bytes, want %d", c.s, len(p), c.size)
		}
		u := unpacker{b: p}
		if got := u.text(); got != c.s || u.close() != nil {
			t.Errorf("%q came back as %q", c.s, got)
		}
	}
}

func TestPackedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{86}|[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)).Draw(t, "s")
		list := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "list")
		when := time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, "when"), 0).UTC()
		var p packer
		p = p.text(s)
		p = p.texts(list)
		p = p.seconds(when)
		p = p.seconds(time.Time{})
		u := unpacker{b: p}
		if u.text() != s {
			t.Fatal("text")
		}
		for i, got := range u.texts() {
			if got != list[i] {
				t.Fatal("texts")
			}
		}
		if !u.seconds().Equal(when) || !u.seconds().IsZero() || u.close() != nil {
			t.Fatal("times")
		}
		for n := range p { // cut anywhere: a fault, never a panic
			u := unpacker{b: p[:n]}
			u.text()
			u.texts()
			u.seconds()
			u.seconds()
			if u.close() == nil {
				t.Fatalf("cut to %d bytes of %d: no fault", n, len(p))
			}
		}
	})
}

func TestUnpackRefusesHugeCounts(t *testing.T) {
	u := unpacker{b: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}}
	if u.texts() != nil || u.close() == nil {
		t.Error("taken")
	}
	u = unpacker{b: []byte{0x07}} // an unknown form
	if u.text() != "" || u.close() == nil {
		t.Error("taken")
	}
}

func TestCanonicalBase64(t *testing.T) {
	for s, ok := range map[string]bool{
		"": true, "AA": true, "_-8": true, "AAAA": true,
		"A": false, "AB": false, "AA==": false, "A\nA": false, "AA\n": false, "\r\n": false, "+/8": false, "A A": false, "AAAA=": false,
	} {
		if _, err := decodeBase64URL(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
