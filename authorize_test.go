package symbolon

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

// TestUncertainAnswers: only who knows it says that nothing was changed.
func TestUncertainAnswers(t *testing.T) {
	certain := fmt.Errorf("%w: the disk is full", store.ErrUnavailable)
	lost := fmt.Errorf("%w: postgres: %w: EOF", store.ErrUnavailable, store.ErrUncertain)
	for err, says := range map[error]bool{certain: true, lost: false} {
		e := mapError(err)
		if e.Status != http.StatusServiceUnavailable || strings.Contains(e.Message, "Nothing was changed") != says || strings.Contains(e.Message, "may have been") == says {
			t.Errorf("%v: %d %s", err, e.Status, e.Message)
		}
	}
}
