package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sizes are measured once, before the rounds, the first two as medians.
type sizes struct {
	start  time.Duration // of the released program on an empty folder, from exec to the first token
	idle   int64         // bytes resident, after that token and a second of rest
	binary int64         // bytes
}

func (l *lab) measureSizes(ctx context.Context) (s sizes, err error) {
	program, err := l.buildProgram(ctx)
	if err != nil {
		return s, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return s, err
	}
	s.binary = info.Size()
	var took []time.Duration
	var idle []int64
	for n := range l.starts {
		t, resident, err := l.firstToken(ctx, program, filepath.Join("start", fmt.Sprint(n)))
		if err != nil {
			return s, err
		}
		took, idle = append(took, t), append(idle, resident)
	}
	s.start, s.idle = middle(took), middle(idle)
	return s, nil
}
