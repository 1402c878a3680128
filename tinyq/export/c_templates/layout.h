/* One image, channels last: code (y, x, c) is input[(y * WIDTH + x) * CHANNELS + c]. */
#define TINYQ_HEIGHT $height
#define TINYQ_WIDTH $width
#define TINYQ_CHANNELS $channels
