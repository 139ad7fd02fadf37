package ssoadmin

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// randomHex is n random bytes as 2n hexadecimal digits.
func randomHex(n int) string { return hex.EncodeToString(randomBytes(n)) }

// randomUUID is a version 4 UUID (RFC 9562 section 5.4).
func randomUUID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newClientID is an opaque client id of AWS's form: base64url of 16 random bytes and the Region, so that the home
// Region can be read off it.
func newClientID(region string) string {
	return base64.RawURLEncoding.EncodeToString(append(randomBytes(16), region...))
}

// randomBytes never fails: crypto/rand ends the program where the system has no randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
