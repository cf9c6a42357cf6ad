// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers and sizes of <af_irda.h>: compiled with the library's header and with that of
 * mingw-w64, which must agree.
 */
#include <assert.h>
#include <stddef.h>
#include <winsock2.h>
#include <af_irda.h>

static_assert(WINDOWS_AF_IRDA == 26, "family");
static_assert(PF_IRDA == AF_IRDA, "family");
static_assert(IRDA_PROTO_SOCK_STREAM == 1, "protocol");
static_assert(SOL_IRLMP == 0xff, "level");

static_assert(IRLMP_ENUMDEVICES == 0x10 && IRLMP_IAS_SET == 0x11 &&
	      IRLMP_IAS_QUERY == 0x12 && IRLMP_SEND_PDU_LEN == 0x13 &&
	      IRLMP_EXCLUSIVE_MODE == 0x14 && IRLMP_IRLPT_MODE == 0x15 &&
	      IRLMP_9WIRE_MODE == 0x16 && IRLMP_TINYTP_MODE == 0x17 &&
	      IRLMP_PARAMETERS == 0x18 && IRLMP_DISCOVERY_MODE == 0x19 &&
	      IRLMP_SHARP_MODE == 0x20, "options");
static_assert(SIO_LAZY_DISCOVERY == 0x4004747f, "ioctl");

static_assert(IAS_ATTRIB_NO_CLASS == 0x10 && IAS_ATTRIB_NO_ATTRIB == 0 &&
	      IAS_ATTRIB_INT == 1 && IAS_ATTRIB_OCTETSEQ == 2 && IAS_ATTRIB_STR == 3,
	      "attributes");
static_assert(IAS_MAX_USER_STRING == 256 && IAS_MAX_OCTET_STRING == 1024 &&
	      IAS_MAX_CLASSNAME == 64 && IAS_MAX_ATTRIBNAME == 256, "lengths");
static_assert(LM_HB_Extension == 128 && LM_HB1_PnP == 1 && LM_HB1_PDA_Palmtop == 2 &&
	      LM_HB1_Computer == 4 && LM_HB1_Printer == 8 && LM_HB1_Modem == 16 &&
	      LM_HB1_Fax == 32 && LM_HB1_LANAccess == 64 && LM_HB2_Telephony == 1 &&
	      LM_HB2_FileServer == 2, "hints");
static_assert(LmCharSetASCII == 0 && LmCharSetISO_8859_1 == 1 &&
	      LmCharSetISO_8859_9 == 9 && LmCharSetUNICODE == 0xff, "character sets");

static_assert(sizeof(SOCKADDR_IRDA) == 32 && offsetof(SOCKADDR_IRDA, irdaDeviceID) == 2 &&
	      offsetof(SOCKADDR_IRDA, irdaServiceName) == 6, "SOCKADDR_IRDA");
static_assert(sizeof(IRDA_DEVICE_INFO) == 29 &&
	      offsetof(IRDA_DEVICE_INFO, irdaCharSet) == 28, "IRDA_DEVICE_INFO");
static_assert(sizeof(DEVICELIST) == 36 && offsetof(DEVICELIST, Device) == 4, "DEVICELIST");
static_assert(sizeof(IAS_SET) == 1352 && offsetof(IAS_SET, irdaAttribType) == 320 &&
	      offsetof(IAS_SET, irdaAttribute.irdaAttribUsrStr.UsrStr) == 326, "IAS_SET");
static_assert(sizeof(IAS_QUERY) == 1356 && offsetof(IAS_QUERY, irdaAttribType) == 324 &&
	      offsetof(IAS_QUERY, irdaAttribute.irdaAttribOctetSeq.OctetSeq) == 332,
	      "IAS_QUERY");
