package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"
)

// TestMAC: ours is that of crypto/hmac, whatever the length and wherever the parts are cut.
func TestMAC(t *testing.T) {
	secret := bytes.Repeat([]byte{0xa5, 0x5a, 1, 2}, 8)
	k, err := parseKey("0123456789abcdef", AccessMAC, bytes.Clone(secret))
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("symbolon"), maxMAC/4)
	for _, n := range []int{0, 1, 63, 64, 65, maxMAC - 1, maxMAC, maxMAC + 1, len(text)} {
		h := hmac.New(sha256.New, secret)
		h.Write(text[:n])
		want := [sha256.Size]byte(h.Sum(nil))
		if k.mac(text[:n]) != want || k.mac(text[:n/3], nil, text[n/3:n]) != want {
			t.Errorf("the MAC of %d bytes differs", n)
		}
	}
	if n := testing.AllocsPerRun(10, func() { k.mac(text[:maxMAC/2], text[:maxMAC/2]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
