package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/token"
)

// ticketTTL is how long a form may lie open.
const ticketTTL = 15 * time.Minute

// What a form can be for.
const (
	signInForm  = "sign-in"
	signOutForm = "sign-out"
)

var (
	errForged = errors.New("web: the form was not given to this browser, or was changed")
	errStale  = errors.New("web: the form has lain open for too long")
)

// newTicket makes the proof that a form came from us: a MAC over what the form is for, which browser it was given to, what it
// carries and when it ends. It is `key id.end.MAC`.
func (s *site) newTicket(purpose, browser, carried string, now time.Time) (string, error) {
	keyID, key, err := s.Keys.Secret(token.BrowserMAC)
	if err != nil {
		return "", err
	}
	return ticket(keyID, key, purpose, browser, carried, now.Add(ticketTTL).Unix()), nil
}

// checkTicket is errForged for a ticket that newTicket did not make for exactly this, errStale for one that is too old.
func (s *site) checkTicket(given, purpose, browser, carried string, now time.Time) error {
	keyID, rest, _ := strings.Cut(given, ".")
	end, _, _ := strings.Cut(rest, ".")
	ends, err := strconv.ParseInt(end, 10, 64)
	if err != nil || browser == "" {
		return errForged
	}
	key, err := s.Keys.SecretByID(token.BrowserMAC, keyID)
	if err != nil {
		return errForged
	}
	if !hmac.Equal([]byte(given), []byte(ticket(keyID, key, purpose, browser, carried, ends))) {
		return errForged
	}
	if now.Unix() >= ends {
		return errStale
	}
	return nil
}

func ticket(keyID string, key []byte, purpose, browser, carried string, ends int64) string {
	end := strconv.FormatInt(ends, 10)
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"symbolon form ticket", purpose, browser, carried, end} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return keyID + "." + end + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// browserID is the random name of this browser; one that has none gets one with the answer.
func (s *site) browserID(w http.ResponseWriter, r *http.Request) string {
	id := s.cookie(r, browserCookie)
	if id == "" {
		id = rand.Text()
		s.setCookie(w, browserCookie, id)
	}
	return id
}
