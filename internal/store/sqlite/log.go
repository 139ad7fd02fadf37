package sqlite

import (
	"fmt"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// logFile stands before SQLite's own methods for the write-ahead log of the connection that writes. SQLite writes a page in two
// pieces, each a system call; a commit of thirty rows makes sixty. The log gathers what lies side by side and writes it when SQLite
// asks for the flush, which it does before it shows a commit to anybody. So what is in the file, and when, is as without it for all
// who may look. It lies in SQLite's memory, as all that SQLite points to.
type logFile struct {
	methods  lib.Tsqlite3_io_methods // what SQLite calls; first, so that its address is the logFile's
	original uintptr                 // SQLite's own lib.Tsqlite3_io_methods
	gathers  bool
	buffer   uintptr // logBuffer bytes
	used     int     // of the buffer
	offset   int64   // where in the file the buffer's bytes belong
	end      int64   // where the last write ended: the length of the log that is in use
}

// logBuffer is less than the 128 KiB that SQLite takes for its largest write.
const logBuffer = 124 << 10

// watchLog puts a logFile before the log of an open connection. Without gathers it only looks.
func (c *conn) watchLog(gathers bool) error {
	// The log is opened by the first transaction.
	if _, err := c.exec(beginWrite, nil); err != nil {
		return err
	}
	if _, err := c.exec(rollback, nil); err != nil {
		return err
	}
	main, err := libc.CString("main")
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, main)
	out := libc.Xmalloc(c.tls, pointerSize)
	if out == 0 {
		return errMemory
	}
	defer libc.Xfree(c.tls, out)
	*pointerAt(out) = 0
	if rc := lib.Xsqlite3_file_control(c.tls, c.db, main, lib.SQLITE_FCNTL_JOURNAL_POINTER, out); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	file := *pointerAt(out)
	if file == 0 || *pointerAt(file) == 0 {
		return fmt.Errorf("sqlite: the write-ahead log is not open")
	}
	at := libc.Xmalloc(c.tls, types.Size_t(unsafe.Sizeof(logFile{})+logBuffer))
	if at == 0 {
		return errMemory
	}
	w := *(**logFile)(unsafe.Pointer(&at))
	*w = logFile{original: *pointerAt(file), gathers: gathers, buffer: at + unsafe.Sizeof(logFile{})}
	w.methods = *w.own()
	w.methods.FxWrite = *(*uintptr)(unsafe.Pointer(&logMethods.write))
	w.methods.FxRead = *(*uintptr)(unsafe.Pointer(&logMethods.read))
	w.methods.FxSync = *(*uintptr)(unsafe.Pointer(&logMethods.sync))
	w.methods.FxTruncate = *(*uintptr)(unsafe.Pointer(&logMethods.truncate))
	w.methods.FxFileSize = *(*uintptr)(unsafe.Pointer(&logMethods.fileSize))
	w.methods.FxClose = *(*uintptr)(unsafe.Pointer(&logMethods.close))
	c.log = w
	*pointerAt(file) = at
	return nil
}

// unwatch is for a connection that is closed.
func (c *conn) unwatch() {
	if c.log != nil {
		libc.Xfree(c.tls, uintptr(unsafe.Pointer(c.log)))
		c.log = nil
	}
}

// own are SQLite's own methods.
func (w *logFile) own() *lib.Tsqlite3_io_methods {
	return *(**lib.Tsqlite3_io_methods)(unsafe.Pointer(&w.original))
}

// logMethods are functions as SQLite calls them: its C is Go here, and a pointer to a function is what a func value is.
var logMethods = struct {
	write, read func(tls *libc.TLS, file, bytes uintptr, n int32, offset int64) int32
	sync        func(tls *libc.TLS, file uintptr, flags int32) int32
	truncate    func(tls *libc.TLS, file uintptr, size int64) int32
	fileSize    func(tls *libc.TLS, file, size uintptr) int32
	close       func(tls *libc.TLS, file uintptr) int32
}{logWrite, logRead, logSync, logTruncate, logFileSize, logClose}

// logOf is the logFile whose methods a file has.
func logOf(file uintptr) *logFile {
	return *(**logFile)(unsafe.Pointer(pointerAt(file)))
}

// method is one of SQLite's own methods.
func method[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func logWrite(tls *libc.TLS, file, bytes uintptr, n int32, offset int64) int32 {
	w := logOf(file)
	w.end = offset + int64(n)
	if !w.gathers {
		return w.write(tls, file, bytes, n, offset)
	}
	if offset != w.offset+int64(w.used) || w.used+int(n) > logBuffer {
		if rc := w.flush(tls, file); rc != lib.SQLITE_OK {
			return rc
		}
		w.offset = offset
	}
	if int(n) > logBuffer {
		return w.write(tls, file, bytes, n, offset)
	}
	copy(memory(w.buffer+uintptr(w.used), int(n)), memory(bytes, int(n)))
	w.used += int(n)
	return lib.SQLITE_OK
}

func (w *logFile) write(tls *libc.TLS, file, bytes uintptr, n int32, offset int64) int32 {
	return method[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](w.own().FxWrite)(tls, file, bytes, n, offset)
}

// flush writes what was gathered. If it fails SQLite hears of it, and gives up the transaction the bytes were of.
func (w *logFile) flush(tls *libc.TLS, file uintptr) int32 {
	n := w.used
	if n == 0 {
		return lib.SQLITE_OK
	}
	w.used = 0
	return w.write(tls, file, w.buffer, int32(n), w.offset)
}

func logRead(tls *libc.TLS, file, bytes uintptr, n int32, offset int64) int32 {
	w := logOf(file)
	if rc := w.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](w.own().FxRead)(tls, file, bytes, n, offset)
}

func logSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	w := logOf(file)
	if rc := w.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[func(*libc.TLS, uintptr, int32) int32](w.own().FxSync)(tls, file, flags)
}

func logTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	w := logOf(file)
	if rc := w.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[func(*libc.TLS, uintptr, int64) int32](w.own().FxTruncate)(tls, file, size)
}

func logFileSize(tls *libc.TLS, file, size uintptr) int32 {
	w := logOf(file)
	if rc := w.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[func(*libc.TLS, uintptr, uintptr) int32](w.own().FxFileSize)(tls, file, size)
}

func logClose(tls *libc.TLS, file uintptr) int32 {
	w := logOf(file)
	rc := w.flush(tls, file)
	*pointerAt(file) = w.original
	if closed := method[func(*libc.TLS, uintptr) int32](w.own().FxClose)(tls, file); rc == lib.SQLITE_OK {
		rc = closed
	}
	return rc
}
