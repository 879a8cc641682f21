// Package ical converts between calendar items and iCalendar (RFC 5545), after the
// mapping of [MS-OXCICAL]: appointments and meetings are events, tasks are to-dos. One
// file is one item with the exceptions of its series.
//
// Render is a pure function of the item. What an item came from is kept with it: as
// long as the item says the same, Render returns that very text, and once it was
// changed, the lines of the text that no property stands for come back in the new one.
package ical
