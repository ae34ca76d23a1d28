/* Lets xrdp-chansrv carry text outside the Basic Multilingual Plane, such as emoji, through the clipboard.
 *
 * XRDP 0.9 reads the clipboard's UTF-16 into one wchar_t a unit and hands that to wcstombs(), which refuses
 * surrogates, so all of the text is lost; the other way it writes the low 16 bits of each wchar_t. These two
 * functions, loaded before the C library's, join surrogates before the first and split characters after the second.
 * XRDP 0.10 converts by itself; neither function changes anything there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <wchar.h>

#define IS_HIGH(unit) ((unit) >= 0xD800 && (unit) <= 0xDBFF)
#define IS_LOW(unit) ((unit) >= 0xDC00 && (unit) <= 0xDFFF)
#define REPLACEMENT 0xFFFD

typedef size_t (*to_bytes)(char *, const wchar_t *, size_t);
typedef size_t (*to_wide)(wchar_t *, const char *, size_t);

/* The program's children get the C library as it is. */
__attribute__((constructor)) static void begin(void)
{
    unsetenv("LD_PRELOAD");
}

size_t wcstombs(char *bytes, const wchar_t *units, size_t room)
{
    to_bytes original = (to_bytes)dlsym(RTLD_NEXT, "wcstombs");
    size_t count = wcslen(units), at = 0, size;
    wchar_t *joined = malloc((count + 1) * sizeof *joined);

    if (joined == NULL)
        return (size_t)-1;
    for (size_t i = 0; i < count; i++) {
        if (IS_HIGH(units[i]) && IS_LOW(units[i + 1])) {
            joined[at++] = 0x10000 + ((units[i] - 0xD800) << 10) + (units[i + 1] - 0xDC00);
            i++;
        } else {
            joined[at++] = IS_HIGH(units[i]) || IS_LOW(units[i]) ? REPLACEMENT : units[i];
        }
    }
    joined[at] = 0;
    size = original(bytes, joined, room);
    free(joined);
    return size;
}

size_t mbstowcs(wchar_t *units, const char *bytes, size_t room)
{
    to_wide original = (to_wide)dlsym(RTLD_NEXT, "mbstowcs");
    size_t count = original(NULL, bytes, 0), at = 0;
    wchar_t *whole;

    if (count == (size_t)-1 || (whole = malloc((count + 1) * sizeof *whole)) == NULL)
        return (size_t)-1;
    original(whole, bytes, count + 1);
    for (size_t i = 0; i < count; i++) {
        int is_pair = whole[i] > 0xFFFF;

        if (units != NULL && at + is_pair >= room)
            break;
        if (units != NULL && is_pair) {
            units[at] = 0xD800 + ((whole[i] - 0x10000) >> 10);
            units[at + 1] = 0xDC00 + ((whole[i] - 0x10000) & 0x3FF);
        } else if (units != NULL) {
            units[at] = whole[i];
        }
        at += 1 + is_pair;
    }
    if (units != NULL && at < room)
        units[at] = 0;
    free(whole);
    return at;
}
