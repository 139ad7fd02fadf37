package symbolon

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A backup is one file: the SQLite database, which SQLite's own tools can open as it stands; behind it one line of JSON, the
// BackupManifest; and a last line with the SHA-256 of all before it. The sum finds damage, not malice: who can change the file can
// change the sum.

// BackupManifest says what a backup is. It holds no secret.
type BackupManifest struct {
	// Format is the layout of the file; this program knows 1.
	Format int `json:"symbolonBackup"`
	// Time is when the copy was begun. What was acknowledged before is in it.
	Time time.Time `json:"time"`
	// Schema is the store's schema version.
	Schema int `json:"schema"`
	// Issuer is the `iss` of the tokens; Instances are the ARNs of the instances.
	Issuer    string   `json:"issuer"`
	Instances []string `json:"instances"`
	// MasterKeys are the fingerprints of the master keys that open the store: one, or two while it is being changed. The keys themselves
	// are not in the backup.
	MasterKeys []string `json:"masterKeyFingerprints"`
	// Development says that it is of a development folder, whose credentials are no secrets.
	Development bool `json:"development"`
	// DatabaseSize is how many bytes of the file are the database.
	DatabaseSize int64 `json:"databaseSize"`
}

const (
	backupFormat  = 1
	sumStart      = "sha256 "
	sumLineSize   = len(sumStart) + 2*sha256.Size + 1
	maxManifest   = 64 << 10
	sqliteMagic   = "SQLite format 3\x00"
	sqliteHeader  = 100
	largestSQLite = 65536 // a page size, which the header's 16 bits write as 1
)

var errNoBackup = errors.New("it is no backup of Symbolon")

// writeBackup writes the database, size bytes, and what belongs behind it.
func writeBackup(w io.Writer, database io.Reader, m BackupManifest) error {
	sum := sha256.New()
	both := io.MultiWriter(w, sum)
	if _, err := io.CopyN(both, database, m.DatabaseSize); err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := both.Write(append(text, '\n')); err != nil {
		return err
	}
	_, err = io.WriteString(w, sumStart+hex.EncodeToString(sum.Sum(nil))+"\n")
	return err
}

// readBackup reads all of a backup, copying the database to into, and checks that every byte is as it was written. What is wrong with
// the file is in the error; into may then hold anything.
func readBackup(file io.Reader, size int64, into io.Writer) (m BackupManifest, err error) {
	head := make([]byte, sqliteHeader)
	if _, err := io.ReadFull(file, head); err != nil || string(head[:len(sqliteMagic)]) != sqliteMagic {
		return m, errNoBackup
	}
	database := databaseSize(head)
	tail := size - database
	if tail <= int64(sumLineSize) || tail > maxManifest {
		return m, fmt.Errorf("%w, or it was cut: %d bytes, of which the database is %d", errNoBackup, size, database)
	}
	sum := sha256.New()
	sum.Write(head)
	if _, err := into.Write(head); err != nil {
		return m, err
	}
	if _, err := io.CopyN(io.MultiWriter(into, sum), file, database-sqliteHeader); err != nil {
		return m, err
	}
	text := make([]byte, tail)
	if _, err := io.ReadFull(file, text); err != nil {
		return m, err
	}
	text, line := text[:tail-int64(sumLineSize)], text[tail-int64(sumLineSize):]
	sum.Write(text)
	if want := sumStart + hex.EncodeToString(sum.Sum(nil)) + "\n"; string(line) != want {
		return m, errors.New("it is damaged: its SHA-256 is not the one it ends with")
	}
	return m, m.parse(text, database)
}

func (m *BackupManifest) parse(text []byte, database int64) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(m); err != nil || m.Format == 0 {
		return errNoBackup
	}
	if m.Format != backupFormat {
		return fmt.Errorf("it is a backup of format %d, and this program knows %d: use the program that made it, or a newer one", m.Format, backupFormat)
	}
	if m.DatabaseSize != database {
		return fmt.Errorf("it is damaged: its database has %d bytes and says %d", m.DatabaseSize, database)
	}
	return nil
}

// databaseSize is page size times page count, as an SQLite database's header has them (https://sqlite.org/fileformat.html §1.3).
func databaseSize(head []byte) int64 {
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = largestSQLite
	}
	return page * int64(binary.BigEndian.Uint32(head[28:]))
}
