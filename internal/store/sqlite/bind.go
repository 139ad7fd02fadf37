package sqlite

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/symbolon/symbolon/internal/store"
	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

const pointerSize = 8 // enough for a pointer of any platform

var errMemory = errors.New("sqlite: out of memory")

// memory is a view of SQLite's own memory, which Go neither moves nor frees.
func memory(at uintptr, n int) []byte {
	if at == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), n)
}

func pointerAt(at uintptr) *uintptr {
	return *(**uintptr)(unsafe.Pointer(&at))
}

// start prepares a statement and binds its parameters.
func (c *conn) start(s *store.Statement, args []any) (uintptr, error) {
	p, err := c.prepare(s)
	if err != nil {
		return 0, err
	}
	if n := int(lib.Xsqlite3_bind_parameter_count(c.tls, p)); n != len(args) {
		return 0, fmt.Errorf("sqlite: %d arguments for %d parameters of %s", len(args), n, s.SQL)
	}
	if err := c.reserve(args); err != nil {
		return 0, err
	}
	used := 0
	for i, a := range args {
		rc, n := c.bind(p, int32(i+1), a, used)
		if rc != lib.SQLITE_OK {
			return 0, c.failure(rc)
		}
		used += n
	}
	return p, nil
}

// reserve makes the arena large enough for the arguments. Each gets at least one byte, so that the empty text and the
// empty blob have an address: SQLite takes a null pointer for NULL.
func (c *conn) reserve(args []any) error {
	need := len(args)
	for _, a := range args {
		switch v := a.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
	}
	if need <= c.arenaSize {
		return nil
	}
	libc.Xfree(c.tls, c.arena)
	c.arenaSize = 0
	need = max(1024, need*2)
	c.arena = libc.Xmalloc(c.tls, types.Size_t(need))
	if c.arena == 0 {
		return errMemory
	}
	c.arenaSize = need
	return nil
}

// bind binds one parameter, with its bytes at an offset of the arena, and says how many it took.
func (c *conn) bind(p uintptr, i int32, arg any, used int) (rc int32, n int) {
	const static = 0 // SQLITE_STATIC: the bytes stay where they are while the statement runs
	at := c.arena + uintptr(used)
	switch v := arg.(type) {
	case nil:
		return lib.Xsqlite3_bind_null(c.tls, p, i), 0
	case int64:
		return lib.Xsqlite3_bind_int64(c.tls, p, i, v), 0
	case bool:
		var b int64
		if v {
			b = 1
		}
		return lib.Xsqlite3_bind_int64(c.tls, p, i, b), 0
	case string:
		copy(memory(at, len(v)), v)
		return lib.Xsqlite3_bind_text(c.tls, p, i, at, int32(len(v)), static), len(v) + 1
	case []byte:
		copy(memory(at, len(v)), v)
		return lib.Xsqlite3_bind_blob(c.tls, p, i, at, int32(len(v)), static), len(v) + 1
	}
	return lib.SQLITE_MISUSE, 0
}
