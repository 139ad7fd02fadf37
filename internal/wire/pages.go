package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
)

// Pages seals and opens NextToken values: opaque, MAC'd, bound to the operation and to the caller's other parameters.
//
// The MAC keeps clients from inventing tokens; what a token holds is still only a place in a list, and whoever opens it
// judges the request as if it were the first.
type Pages struct {
	// Keys returns the MAC keys, 32 bytes each: the first seals, all open, so that a change of key ends no list that is being paged.
	Keys func() [][]byte
}

// pageVersion is the token format; a token of another one is refused.
const pageVersion = 1

// Seal returns the token that continues after the row with key after. scope is what else the token is bound to.
// A nil after gives nil: there is no further page.
func (p *Pages) Seal(operation, scope string, after []string) *string {
	if after == nil {
		return nil
	}
	payload := []byte{pageVersion}
	for _, part := range after {
		payload = appendPart(payload, part)
	}
	token := base64.RawURLEncoding.EncodeToString(append(pageMAC(p.Keys()[0], operation, scope, payload), payload...))
	return &token
}

// Open returns the key to continue after (nil for a nil or empty token), or a ValidationException.
func (p *Pages) Open(operation, scope string, token *string) ([]string, error) {
	if token == nil || *token == "" {
		return nil, nil
	}
	refused := &Error{Code: "ValidationException", Status: http.StatusBadRequest,
		Message: "The NextToken is not one that this operation gave for these parameters."}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*token)
	if err != nil || len(raw) < sha256.Size+1 {
		return nil, refused
	}
	mac, payload := raw[:sha256.Size], raw[sha256.Size:]
	made := func(key []byte) bool { return hmac.Equal(mac, pageMAC(key, operation, scope, payload)) }
	if !slices.ContainsFunc(p.Keys(), made) || payload[0] != pageVersion {
		return nil, refused
	}
	after := []string{}
	for rest := payload[1:]; len(rest) > 0; {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return nil, refused
		}
		after, rest = append(after, string(rest[used:used+int(n)])), rest[used+int(n):]
	}
	return after, nil
}

// pageMAC binds the payload to its operation and scope, each with its length, so that no two triples look alike.
func pageMAC(key []byte, operation, scope string, payload []byte) []byte {
	if len(key) != 32 {
		panic("wire: the paging key must have 32 bytes")
	}
	m := hmac.New(sha256.New, key)
	m.Write(appendPart(appendPart([]byte("wire paging token\x00"), operation), scope))
	m.Write(payload)
	return m.Sum(nil)
}

func appendPart(b []byte, part string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}
