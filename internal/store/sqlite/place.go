package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrInterrupted says that a restore began to replace the database and did not end.
var ErrInterrupted = errors.New("sqlite: a restore was interrupted")

// ErrOccupied says that there is a database already.
var ErrOccupied = errors.New("sqlite: there is a database already")

// beside are the endings of the files that belong to a database, the log first: without it the database is an older state of itself.
var beside = []string{"-wal", "-shm", "-journal", ""}

// Place is where a database stands or is to stand, held so that nobody opens it.
type Place struct {
	path   string
	unlock func() error
}

// Hold takes the place of a database at path, whether there is one or not; the folder must exist. ErrInUse while somebody has it open.
func Hold(path string) (*Place, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := refuseNetwork(filepath.Dir(path)); err != nil {
		return nil, err
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	return &Place{path, unlock}, nil
}

// Release lets others open it.
func (p *Place) Release() error { return p.unlock() }

// Occupied says whether there is a database, or a part of one.
func (p *Place) Occupied() (bool, error) {
	names, err := p.present()
	return len(names) > 0, err
}

func (p *Place) present() (names []string, err error) {
	for _, end := range beside {
		_, err := os.Lstat(p.path + end)
		switch {
		case err == nil:
			names = append(names, p.path+end)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return names, nil
}

// Put gives the place to the closed and flushed database file at from, which must be of the same file system. What is there moves into
// the new folder aside first, all of it under its own names; with aside empty that is ErrOccupied. An error changes nothing. A process
// that dies on the way leaves either nothing changed or a mark that makes Open refuse with ErrInterrupted, until Put is done once more.
func (p *Place) Put(from, aside string) error {
	names, err := p.present()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return p.settle(from)
	}
	if aside == "" {
		return ErrOccupied
	}
	if err := os.Mkdir(aside, 0o700); err != nil {
		return err
	}
	if err := createFile(p.path + interruptedEnd); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(filepath.Dir(p.path)); err != nil {
		return err
	}
	moved, err := p.move(names, aside)
	if err == nil {
		err = p.settle(from)
	}
	if err != nil {
		return errors.Join(err, p.putBack(moved, aside))
	}
	return nil
}

const interruptedEnd = ".restoring"

// settle gives from its name, and then takes the mark away.
func (p *Place) settle(from string) error {
	folder := filepath.Dir(p.path)
	if err := os.Rename(from, p.path); err != nil {
		return err
	}
	if err := syncFolder(folder); err != nil {
		return err
	}
	return errors.Join(removeFile(p.path+interruptedEnd), syncFolder(folder))
}

// move moves the files aside, and says which it has moved.
func (p *Place) move(names []string, aside string) (moved []string, err error) {
	for _, name := range names {
		if err := os.Rename(name, filepath.Join(aside, filepath.Base(name))); err != nil {
			return moved, err
		}
		moved = append(moved, name)
	}
	return moved, errors.Join(syncFolder(aside), syncFolder(filepath.Dir(p.path)))
}

// putBack undoes move. The mark stays unless all is as it was.
func (p *Place) putBack(moved []string, aside string) error {
	var faults []error
	for _, name := range moved {
		faults = append(faults, os.Rename(filepath.Join(aside, filepath.Base(name)), name))
	}
	if err := errors.Join(append(faults, syncFolder(filepath.Dir(p.path)))...); err != nil {
		return err
	}
	return errors.Join(removeFile(p.path+interruptedEnd), os.Remove(aside), syncFolder(filepath.Dir(p.path)))
}

// refuseInterrupted is ErrInterrupted beside the mark that a restore has left.
func refuseInterrupted(path string) error {
	_, err := os.Lstat(path + interruptedEnd)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %s is there; restore again, with --replace", ErrInterrupted, path+interruptedEnd)
}

// createFile makes an empty file that its owner alone may read; there must be none.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
