/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IrDA, the names and numbers of Windows' <af_irda.h>. Include it behind <winsock2.h>;
 * like there, nothing else includes it.
 *
 * Linux has had no IrDA since 4.17: socket(AF_IRDA, ...) fails with WSAEAFNOSUPPORT
 * unless a stack from outside registers the family. The kernel's own number of the
 * family is kept (AF_IRDA); a stack's addresses and options are its own, and are passed
 * to it as they are.
 */
#ifndef AF_IRDA_H
#define AF_IRDA_H

#include <winsock2.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The family's number on Windows; that of the kernel is AF_IRDA. */
#define WINDOWS_AF_IRDA		26
#ifndef AF_IRDA
#define AF_IRDA			23
#endif
#ifndef PF_IRDA
#define PF_IRDA			AF_IRDA
#endif

/* The protocol for socket(AF_IRDA, SOCK_STREAM, ...); 0 will do. */
#define IRDA_PROTO_SOCK_STREAM	1

/* Level of the options below. */
#define SOL_IRLMP		0xff

#define IRLMP_ENUMDEVICES	0x10	/* get: DEVICELIST */
#define IRLMP_IAS_SET		0x11	/* set: IAS_SET */
#define IRLMP_IAS_QUERY		0x12	/* get: IAS_QUERY, in and out */
#define IRLMP_SEND_PDU_LEN	0x13	/* get: the largest packet in IrLPT mode */
#define IRLMP_EXCLUSIVE_MODE	0x14	/* both: past TinyTP, straight to IrLMP */
#define IRLMP_IRLPT_MODE	0x15	/* both: printers */
#define IRLMP_9WIRE_MODE	0x16	/* both: serial line with nine wires */
#define IRLMP_TINYTP_MODE	0x17
#define IRLMP_PARAMETERS	0x18
#define IRLMP_DISCOVERY_MODE	0x19
#define IRLMP_SHARP_MODE	0x20

#define SIO_LAZY_DISCOVERY	0x4004747f	/* _IOR('t', 127, u_long) of a 32-bit u_long */

/* irdaAttribType of the information access service. */
#define IAS_ATTRIB_NO_CLASS	0x10
#define IAS_ATTRIB_NO_ATTRIB	0x00
#define IAS_ATTRIB_INT		0x01
#define IAS_ATTRIB_OCTETSEQ	0x02
#define IAS_ATTRIB_STR		0x03

#define IAS_MAX_USER_STRING	256
#define IAS_MAX_OCTET_STRING	1024
#define IAS_MAX_CLASSNAME	64
#define IAS_MAX_ATTRIBNAME	256

/* irdaDeviceHints1 and 2. */
#define LM_HB_Extension		128
#define LM_HB1_PnP		1
#define LM_HB1_PDA_Palmtop	2
#define LM_HB1_Computer		4
#define LM_HB1_Printer		8
#define LM_HB1_Modem		16
#define LM_HB1_Fax		32
#define LM_HB1_LANAccess	64
#define LM_HB2_Telephony	1
#define LM_HB2_FileServer	2

/* irdaCharSet. */
#define LmCharSetASCII		0
#define LmCharSetISO_8859_1	1
#define LmCharSetISO_8859_2	2
#define LmCharSetISO_8859_3	3
#define LmCharSetISO_8859_4	4
#define LmCharSetISO_8859_5	5
#define LmCharSetISO_8859_6	6
#define LmCharSetISO_8859_7	7
#define LmCharSetISO_8859_8	8
#define LmCharSetISO_8859_9	9
#define LmCharSetUNICODE	0xff

/**
 * SOCKADDR_IRDA - a service of a device
 * @irdaAddressFamily:	AF_IRDA
 * @irdaDeviceID:	as IRLMP_ENUMDEVICES gave it; ignored by bind
 * @irdaServiceName:	the service, NUL-terminated
 */
typedef struct _SOCKADDR_IRDA {
	USHORT irdaAddressFamily;
	BYTE irdaDeviceID[4];
	CHAR irdaServiceName[25];
} SOCKADDR_IRDA, *PSOCKADDR_IRDA, *LPSOCKADDR_IRDA;

/**
 * IRDA_DEVICE_INFO - a device in range
 * @irdaDeviceID:	its address
 * @irdaDeviceName:	its name
 * @irdaDeviceHints1:	LM_HB1_* bits
 * @irdaDeviceHints2:	LM_HB2_* bits, if LM_HB_Extension is set in the first
 * @irdaCharSet:	LmCharSet* of the name
 */
typedef struct _IRDA_DEVICE_INFO {
	BYTE irdaDeviceID[4];
	CHAR irdaDeviceName[22];
	BYTE irdaDeviceHints1;
	BYTE irdaDeviceHints2;
	BYTE irdaCharSet;
} IRDA_DEVICE_INFO, *PIRDA_DEVICE_INFO, *LPIRDA_DEVICE_INFO;

/**
 * DEVICELIST - the devices in range
 * @numDevice:	how many follow
 * @Device:	the first of them
 */
typedef struct _DEVICELIST {
	ULONG numDevice;
	IRDA_DEVICE_INFO Device[1];
} DEVICELIST, *PDEVICELIST, *LPDEVICELIST;

/* An attribute to publish. */
typedef struct _IAS_SET {
	CHAR irdaClassName[IAS_MAX_CLASSNAME];
	CHAR irdaAttribName[IAS_MAX_ATTRIBNAME];
	ULONG irdaAttribType;
	union {
		LONG irdaAttribInt;
		struct {
			USHORT Len;
			BYTE OctetSeq[IAS_MAX_OCTET_STRING];
		} irdaAttribOctetSeq;
		struct {
			BYTE Len;
			BYTE CharSet;
			BYTE UsrStr[IAS_MAX_USER_STRING];
		} irdaAttribUsrStr;
	} irdaAttribute;
} IAS_SET, *PIAS_SET, *LPIAS_SET;

/* An attribute of a device, to ask for and as it was answered. */
typedef struct _IAS_QUERY {
	BYTE irdaDeviceID[4];
	CHAR irdaClassName[IAS_MAX_CLASSNAME];
	CHAR irdaAttribName[IAS_MAX_ATTRIBNAME];
	ULONG irdaAttribType;
	union {
		LONG irdaAttribInt;
		struct {
			ULONG Len;
			BYTE OctetSeq[IAS_MAX_OCTET_STRING];
		} irdaAttribOctetSeq;
		struct {
			ULONG Len;
			ULONG CharSet;
			BYTE UsrStr[IAS_MAX_USER_STRING];
		} irdaAttribUsrStr;
	} irdaAttribute;
} IAS_QUERY, *PIAS_QUERY, *LPIAS_QUERY;

#ifdef __cplusplus
}
#endif

#endif /* AF_IRDA_H */
