package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"reflect"
	"strconv"
	"time"
)

// appendXML appends v as an element of the given name, in the form of the query services: lists as member elements,
// maps as entry elements with key and value, timestamps in ISO 8601.
func (s *shape) appendXML(b *bytes.Buffer, name string, v reflect.Value) error {
	open(b, name)
	if err := s.appendXMLBody(b, v); err != nil {
		return err
	}
	shut(b, name)
	return nil
}

func (s *shape) appendXMLBody(b *bytes.Buffer, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		for i := range s.fields {
			f := &s.fields[i]
			if fv, ok := f.value(v); ok {
				if err := f.shape.appendXML(b, f.name, fv); err != nil {
					return err
				}
			}
		}
	case kindList:
		for i := range v.Len() {
			if err := s.elem.appendXML(b, "member", v.Index(i)); err != nil {
				return err
			}
		}
	case kindMap:
		for _, k := range sortedKeys(v) {
			open(b, "entry")
			textElement(b, "key", k.String())
			if err := s.elem.appendXML(b, "value", v.MapIndex(k)); err != nil {
				return err
			}
			shut(b, "entry")
		}
	case kindString:
		escape(b, v.String())
	case kindInt:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case kindBool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case kindTime:
		b.WriteString(v.Interface().(time.Time).UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.999Z07:00"))
	default:
		return errors.New("wire: a document has no XML form")
	}
	return nil
}

func open(b *bytes.Buffer, name string) {
	b.WriteByte('<')
	b.WriteString(name)
	b.WriteByte('>')
}

func shut(b *bytes.Buffer, name string) {
	b.WriteString("</")
	b.WriteString(name)
	b.WriteByte('>')
}

func textElement(b *bytes.Buffer, name, text string) {
	open(b, name)
	escape(b, text)
	shut(b, name)
}

// escape writes text; characters XML does not have become the replacement character.
func escape(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) } // a Buffer does not fail
