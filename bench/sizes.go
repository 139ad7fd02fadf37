package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// sizes are measured once, before the rounds, the first two as medians.
type sizes struct {
	start  time.Duration // on an empty folder, from exec to the first token
	idle   int64         // bytes resident, after that token and a second of rest
	binary int64         // bytes
}

func (l *lab) measureSizes(ctx context.Context) (s sizes, err error) {
	var took []time.Duration
	var idle []int64
	for n := range l.starts {
		t, resident, err := l.firstToken(ctx, filepath.Join("start", string(rune('a'+n))))
		if err != nil {
			return s, err
		}
		took, idle = append(took, t), append(idle, resident)
	}
	s.start, s.idle = middle(took), middle(idle)
	if l.noProgram {
		return s, nil
	}
	s.binary, err = l.buildProgram(ctx)
	return s, err
}

// firstToken starts a server on an empty folder, with a small organization, and gets one token by jwt-bearer.
func (l *lab) firstToken(ctx context.Context, name string) (took time.Duration, resident int64, err error) {
	begun := time.Now()
	server, _, err := l.serve(name, 1, childConfig{Kind: symbolonServer})
	if err != nil {
		return 0, 0, err
	}
	defer server.close()
	w := &world{lab: l, symbolon: server, apps: map[string]string{}}
	if err := w.findApplications(ctx); err != nil {
		return 0, 0, err
	}
	requests, err := w.assertions(1, "ES256", plain, email)
	if err != nil {
		return 0, 0, err
	}
	p, err := drive(ctx, server, 1, requests, false)
	took = time.Since(begun)
	if err == nil && p.failures > 0 {
		err = errors.New(p.firstFailure)
	}
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(time.Second)
	u, err := server.usage()
	return took, u.Resident, err
}

// buildProgram builds symbolon as it is released, static and stripped, and says how big it is.
func (l *lab) buildProgram(ctx context.Context) (int64, error) {
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/symbolon/symbolon").Output()
	if err != nil {
		return 0, err
	}
	path := filepath.Join(l.folder, "symbolon")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/symbolon")
	build.Dir = strings.TrimSpace(string(module)) // its own go.mod has what the commands need
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
