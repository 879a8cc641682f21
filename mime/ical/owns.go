package ical

import (
	"slices"

	"mailfs/mapi"
)

// ownNames are the named properties that a calendar file tells.
var ownNames = []mapi.PropertyName{
	fileName, digestName, uidName, keywords,
	mapi.PidLidGlobalObjectId, mapi.PidLidCleanGlobalObjectId, mapi.PidLidIsException, mapi.PidLidIsRecurring, mapi.PidLidWhere, mapi.PidLidOwnerCriticalChange,
	mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole, mapi.PidLidCommonStart, mapi.PidLidCommonEnd, mapi.PidLidAppointmentDuration, mapi.PidLidAppointmentSubType,
	mapi.PidLidAppointmentTimeZoneDefinitionStartDisplay, mapi.PidLidAppointmentTimeZoneDefinitionEndDisplay, mapi.PidLidAppointmentTimeZoneDefinitionRecur,
	mapi.PidLidTimeZoneStruct, mapi.PidLidTimeZoneDescription, mapi.PidLidAppointmentRecur, mapi.PidLidRecurring, mapi.PidLidRecurrenceType, mapi.PidLidRecurrencePattern,
	mapi.PidLidClipStart, mapi.PidLidClipEnd, mapi.PidLidExceptionReplaceTime, mapi.PidLidBusyStatus, mapi.PidLidIntendedBusyStatus, mapi.PidLidLocation, mapi.PidLidPrivate,
	mapi.PidLidAppointmentSequence, mapi.PidLidAppointmentStateFlags, mapi.PidLidResponseStatus, mapi.PidLidFInvited,
	mapi.PidLidAllAttendeesString, mapi.PidLidToAttendeesString, mapi.PidLidCcAttendeesString,
	mapi.PidLidReminderSet, mapi.PidLidReminderDelta, mapi.PidLidReminderTime, mapi.PidLidReminderSignalTime,
	mapi.PidLidTaskStartDate, mapi.PidLidTaskDueDate, mapi.PidLidTaskDateCompleted, mapi.PidLidTaskStatus, mapi.PidLidPercentComplete, mapi.PidLidTaskComplete,
	mapi.PidLidTaskRecurrence, mapi.PidLidTaskFRecurring, mapi.PidLidTaskDeadOccurrence, mapi.PidLidTaskResetReminder,
}

// ownTags are the other properties that a calendar file tells, besides text and people.
var ownTags = []mapi.PropertyTag{
	mapi.PidTagMessageClass, mapi.PidTagSubject, mapi.PidTagSubjectPrefix, mapi.PidTagNormalizedSubject, mapi.PidTagImportance, mapi.PidTagSensitivity,
	mapi.PidTagStartDate, mapi.PidTagEndDate, mapi.PidTagResponseRequested, mapi.PidTagReplyRequested, mapi.PidTagIconIndex,
}

// Owns reports whether a calendar file tells a property, so that one which a new
// version of the file does not give is gone.
func Owns(p mapi.Property) bool {
	if !p.Name.IsZero() {
		return slices.Contains(ownNames, p.Name)
	}
	return slices.ContainsFunc(ownTags, func(t mapi.PropertyTag) bool { return t.ID() == p.Tag.ID() })
}
