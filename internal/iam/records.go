package iam

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// existing turns a Get into row, whether it was there, and a fault.
func existing[T any](row T, err error) (T, bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return row, false, nil
	}
	return row, err == nil, err
}

// uniqueID makes an IAM unique id: the kind's prefix (AIDA, AROA, ANPA) and 17 random characters of base32.
func uniqueID(prefix string) string { return prefix + rand.Text()[:17] }

// firstTime is when a record was made: what the row says, else what the writer says, else now.
func firstTime(old time.Time, found bool, given, now time.Time) time.Time {
	switch {
	case found:
		return old
	case !given.IsZero():
		return given
	}
	return now
}
