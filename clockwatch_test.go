package symbolon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestClockJumps: a wall clock that jumps either way is counted and logged; one that drifts, or is slewed, is not (M08).
func TestClockJumps(t *testing.T) {
	var text bytes.Buffer
	m, h := newMetrics(""), &health{}
	start := time.Date(2026, 3, 29, 1, 59, 55, 0, time.UTC)
	w := &clockWatch{last: start, metrics: m, health: h, log: slog.New(slog.NewTextHandler(&text, nil))}
	wall := start
	for _, c := range []struct {
		wall, passed time.Duration
		jumps        float64
		last         float64
	}{
		{5 * time.Second, 5 * time.Second, 0, 0},
		{5100 * time.Millisecond, 5 * time.Second, 0, 0},
		{time.Hour, 5 * time.Second, 1, 3595},
		{5 * time.Second, 5 * time.Second, 1, 3595},
		{-55 * time.Second, 5 * time.Second, 2, -60},
		{time.Minute, time.Minute, 2, -60}, // the ticker came late
	} {
		wall = wall.Add(c.wall)
		w.look(wall, c.passed)
		series := seriesOf(t, exposition(t, m))
		jumps, last := series["symbolon_clock_jumps_total"], series["symbolon_clock_last_jump_seconds"]
		if jumps != c.jumps || last != c.last {
			t.Errorf("after %v in %v: %v jumps, the last by %v", c.wall, c.passed, jumps, last)
		}
	}
	if told := h.warnings(); len(told) != 1 || !strings.Contains(told[0], "-1m0s") {
		t.Errorf("/readyz tells of %q", told)
	}
	h.jump.Store(&clockJumped{time.Now().Add(-jumpTold - time.Second), time.Hour})
	if told := h.warnings(); len(told) > 0 {
		t.Errorf("/readyz still tells of %q", told)
	}
	if n := strings.Count(text.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d lines in the log: %s", n, &text)
	}
}
