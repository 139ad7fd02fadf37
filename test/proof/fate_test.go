package proof

import (
	"math/rand/v2"
	"strings"
)

// fates are what may become of the changes that no flush has covered. Disks and file systems keep any part of them, in any order,
// and tear them at sectors.
var fates = []struct {
	name string
	of   func(dice *rand.Rand, line int) fate
}{
	{"nothing", func(*rand.Rand, int) fate {
		return func(*inode, *change, int64) bool { return false }
	}},
	{"everything", func(*rand.Rand, int) fate {
		return func(*inode, *change, int64) bool { return true }
	}},
	{"what came first", func(dice *rand.Rand, line int) fate {
		last := line - dice.IntN(min(line, 200)+1)
		return func(_ *inode, c *change, _ int64) bool { return c.ended < last || c.began < last && dice.IntN(2) == 0 }
	}},
	{"some sectors", func(dice *rand.Rand, _ int) fate {
		share := []float64{0.1, 0.5, 0.9}[dice.IntN(3)]
		return func(*inode, *change, int64) bool { return dice.Float64() < share }
	}},
	{"some changes", func(dice *rand.Rand, _ int) fate {
		kept := map[*change]bool{}
		return func(_ *inode, c *change, _ int64) bool {
			if _, decided := kept[c]; !decided {
				kept[c] = dice.IntN(2) == 0
			}
			return kept[c]
		}
	}},
	{"some files", func(dice *rand.Rand, _ int) fate {
		kept := map[*inode]bool{}
		return func(n *inode, _ *change, _ int64) bool {
			if _, decided := kept[n]; !decided {
				kept[n] = dice.IntN(2) == 0
			}
			return kept[n]
		}
	}},
	{"what came last", func(dice *rand.Rand, line int) fate {
		first := line - dice.IntN(min(line, 200)+1)
		return func(_ *inode, c *change, _ int64) bool { return c.began >= first }
	}},
}

// sharedMemory is what may be found in a file that was mapped into memory and never flushed: what it was at some moment, noise, or
// nothing.
func (m *snapshots) after(dice *rand.Rand, at int64) (content []byte, exists bool) {
	var before [][]byte
	for i, taken := range m.moments {
		if taken <= at {
			before = append(before, m.contents[i])
		}
	}
	switch n := dice.IntN(4); {
	case n < 2 && len(before) > 0:
		return before[len(before)-1-dice.IntN(min(len(before), 20))], true
	case n == 2:
		noise := make([]byte, 32768)
		for i := range noise {
			noise[i] = byte(dice.Uint32())
		}
		return noise, true
	}
	return nil, false
}

// isStore says whether a call concerns the store's files.
func (c *systemCall) isStore() bool {
	return len(c.arguments) > 0 && strings.Contains(c.arguments[0], hexText("symbolon.db"))
}

// isCheckpoint says whether a call carries the log's pages into the database, flushes them, or begins the log anew.
func (c *systemCall) isCheckpoint() bool {
	if c.beginsLog() {
		return true
	}
	return c.isStore() && (c.name == "pwrite64" || c.name == "fsync" || c.name == "fdatasync") &&
		!strings.Contains(c.arguments[0], hexText("symbolon.db-"))
}

// beginsLog says whether a call writes the header of SQLite's write-ahead log.
func (c *systemCall) beginsLog() bool {
	return c.isStore() && c.name == "pwrite64" && strings.Contains(c.arguments[0], hexText("-wal")) && c.arguments[3] == "0"
}
