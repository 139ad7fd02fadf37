package symbolon

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/wire"
)

// NewLog is the process's log as the settings want it, written to w.
func (c Config) NewLog(w io.Writer) (*slog.Logger, error) {
	level, err := c.logLevel()
	if err != nil {
		return nil, err
	}
	o := &slog.HandlerOptions{Level: level}
	switch c.LogFormat {
	case "", "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log-format is %q, neither text nor json", c.LogFormat)
}

func (c Config) logLevel() (slog.Level, error) {
	switch c.LogLevel {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log-level is %q, not debug, info, warn or error", c.LogLevel)
}

// observe counts a request of the APIs and, with log-requests, logs it. The line names what was called and who called, never the target
// or a parameter: a presigned request has its signature there.
func (s *Server) observe(c *wire.Call, took time.Duration) {
	s.metrics.requests.observe(c, took)
	if !s.config.LogRequests {
		return
	}
	service, operation, status, code, caller := unknown, unknown, http.StatusOK, "", ""
	if c.Service != nil {
		service = c.Service.Name
	}
	if c.Operation != nil {
		operation = c.Operation.Name
	}
	if c.Err != nil {
		if status, code = c.Err.Status, c.Err.Code; status == 0 {
			status = http.StatusInternalServerError
		}
	}
	if by, ok := c.Caller.(*iam.Caller); ok && by != nil {
		caller = by.ARN
	}
	s.config.Log.Info("request", "request_id", c.RequestID, "service", service, "operation", operation, "status", status, "code", code,
		"duration_ms", milliseconds(took), "address", addressOf(c.Request), "caller", caller)
}

// observed counts, and with log-requests logs, what browsers and relying parties ask for, which is no operation.
func (s *Server) observed(service, name string, next http.Handler) http.Handler {
	t := s.metrics.requests.operation(service, name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &seenStatus{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		end := ending{fault: seen.status >= 500}
		if seen.status >= 400 {
			end.code = strconv.Itoa(seen.status)
		}
		took := time.Since(began)
		t.add(end, took)
		if s.config.LogRequests {
			s.config.Log.Info("request", "request_id", w.Header().Get("x-amzn-RequestId"), "service", service, "operation", name,
				"status", seen.status, "code", "", "duration_ms", milliseconds(took), "address", addressOf(r), "caller", "")
		}
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// seenStatus remembers the status of an answer.
type seenStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *seenStatus) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (s *seenStatus) Unwrap() http.ResponseWriter { return s.ResponseWriter }
